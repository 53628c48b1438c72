//! From answers of the ports to finished views, in the request's language and time zone. Server only.

pub mod charts;
pub mod fmt;
pub mod links;
pub mod place;
pub mod sources;
pub mod tables;
pub mod trends;
