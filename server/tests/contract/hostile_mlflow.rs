//! What the client of MLflow makes of answers that are wrong: it ends in time, believes nothing, and says what cures it.
