//! Files that queries may still read.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::objects::Objects;

/// A file for as long as a snapshot names it: one that was retired is deleted with the last snapshot that names it.
#[derive(Debug)]
pub struct FileLease {
    objects: Arc<dyn Objects>,
    name: String,
    retired: AtomicBool,
}

impl FileLease {
    pub fn new(objects: Arc<dyn Objects>, name: String) -> Self {
        Self { objects, name, retired: AtomicBool::new(false) }
    }

    pub fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }
}

impl Drop for FileLease {
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            self.objects.discard(&self.name);
        }
    }
}
