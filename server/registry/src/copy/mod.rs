//! The background copy of experiments and runs.
