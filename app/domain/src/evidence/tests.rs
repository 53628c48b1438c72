//! The engine against scipy and numpy, bad input, and what must hold for any cells.

mod agreement;
mod bad_input;
mod properties;
mod support;
mod verdicts;
