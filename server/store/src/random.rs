//! Random identifiers.

use domain::{Error, Result};

/// 128 random bits as 32 hexadecimal digits.
///
/// # Errors
/// `Internal` when the operating system gives none.
pub fn id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(crate::sentences::no_random()).with_detail(e))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
