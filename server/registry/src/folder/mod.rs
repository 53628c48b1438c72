//! Reads a folder as MLflow's file store writes it (mlruns).
