//! The client of an MLflow tracking server.
