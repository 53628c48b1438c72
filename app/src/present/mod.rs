//! From answers of the ports to finished views, in the request's language and time zone. Server only.

pub mod charts;
pub mod compare;
pub mod fmt;
pub mod heat;
pub mod links;
pub mod option;
pub mod page;
pub mod palette;
pub mod place;
pub mod records;
pub mod sources;
pub mod tables;
pub mod trends;
pub mod versus;
