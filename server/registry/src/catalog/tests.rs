//! The copy of a registry that is slow, wrong, or changed while it is read.
