//! Chance that is decided by a key alone: the same key gives the same number.

use std::f64::consts::TAU;

use xxhash_rust::xxh3::xxh3_64;

/// Evenly distributed in 0..1, decided by the key alone.
pub fn noise(key: &[u64]) -> f64 {
    let mut bytes = [0u8; 64];
    for (slot, k) in bytes.chunks_exact_mut(8).zip(key) {
        slot.copy_from_slice(&k.to_le_bytes());
    }
    (xxh3_64(&bytes[..key.len() * 8]) >> 11) as f64 / (1u64 << 53) as f64
}

/// Standard normal, decided by the key alone (Box and Muller).
pub fn normal(key: &[u64]) -> f64 {
    let mut second = [0u64; 8];
    second[..key.len()].copy_from_slice(key);
    second[key.len()] = 0x9e37_79b9;
    let (u, v) = (noise(key).max(1e-12), noise(&second[..=key.len()]));
    (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
}

/// To so many digits behind the point.
pub fn round(x: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (x * unit).round() / unit
}
