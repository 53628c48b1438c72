//! Reads an SQLite database as MLflow writes it (mlflow.db).
