//! The engine against scipy and numpy, bad input, and what must hold for any cells.

mod agreement;
mod bad_input;
mod order;
mod periods;
mod properties;
mod recuts;
mod support;
mod verdicts;
