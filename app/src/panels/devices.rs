//! How many devices are behind a number that depends on the device.

use super::words;
use crate::ui::{fmt::Fmt, table::Cell};

/// So many devices are behind a number.
#[must_use]
pub fn device_count_note(fmt: &Fmt, devices: usize) -> String {
    words::mixed_devices(fmt.lang, fmt.count(devices as u64))
}

/// A number that depends on the device, with how many were put together.
#[must_use]
pub fn cell_with_devices(fmt: &Fmt, text: String, href: Option<String>, devices: usize) -> Cell {
    match devices {
        0 | 1 => Cell::Number { text, href },
        n => Cell::Figure { text, href, delta: None, small: vec![device_count_note(fmt, n)] },
    }
}
