//! What runs: the command line, the HTTP server and its jobs. Pages are in `app`, records in `lake`.

pub mod atomic_file;
pub mod auth;
pub mod cli;
pub mod config;
pub mod declarations;
pub mod demo;
pub mod doctor;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod page_paths;
pub mod ports;
pub mod startup;
pub mod thumbnails;
