//! Experiments, runs and models of MLflow. `mlflow` speaks to a tracking server, `folder` and `database` read what MLflow wrote to a
//! disk, and `copy` keeps the copy that pages, programs and the command line are answered from. `webhooks` tells others what happened to models.

pub mod catalog;
pub mod copy;
pub mod database;
pub mod egress;
pub mod embedded;
pub mod folder;
mod local;
mod locks;
pub mod mlflow;
mod unreadable;
pub mod webhooks;

pub use local::embedded_store;
pub use locks::FolderLocks;
pub use unreadable::UnreadableStore;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
