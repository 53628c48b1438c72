//! What the file of each subsystem says.

use std::path::Path;

use domain::Result;

/// What a subsystem says of its settings beyond what clap knows. `folder` is the data folder.
pub trait Subsystem {
    /// How `guardianflow config` shows the value of an argument that is not shown as it was given.
    fn shown(&self, _folder: &Path, _id: &str) -> Option<String> {
        None
    }

    /// Refuses to serve with settings that do not go together.
    ///
    /// # Errors
    /// `BadInput` with the sentence that tells what to set.
    fn check(&self, _folder: &Path) -> Result<()> {
        Ok(())
    }
}
