//! About how much memory the parts of a record take.

use serde_json::{Map, Value};

/// What an allocator gives for so many bytes.
pub(super) fn allocation_size(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.next_multiple_of(16) }
}

/// The memory of an object's entries; its nodes are half full at worst.
pub(super) fn map_memory(map: &Map<String, Value>) -> usize {
    let slot = 2 * (size_of::<String>() + size_of::<Value>());
    map.iter().map(|(key, value)| slot + allocation_size(key.capacity()) + inside(value)).sum()
}

/// The memory of a value beside its own place.
fn inside(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => allocation_size(text.capacity()),
        Value::Array(all) => {
            allocation_size(all.capacity() * size_of::<Value>()) + all.iter().map(inside).sum::<usize>()
        }
        Value::Object(map) => map_memory(map),
    }
}
