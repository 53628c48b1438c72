//! The port of the lake by which the reader of the watched folder keeps how far it has read.

/// How far a file was taken is kept beside the rows that were taken of it.
pub use lake::ports::{FilePosition, FilePositionStore};
