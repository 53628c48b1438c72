//! The kit from which pages are built: knows how things look and behave, not what they mean.

pub mod about;
pub mod chart;
pub mod empty;
pub mod form;
pub mod frame;
pub mod icon;
pub mod prefs;
pub mod table;
pub mod tile;
pub mod top;
pub mod whole;
