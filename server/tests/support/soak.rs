//! How often tests repeat what is random or a race: once in `make test`, `GF_SOAK` times in `make soak`.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

/// The factor.
pub fn times() -> u32 {
    std::env::var("GF_SOAK").map_or(1, |n| n.parse().expect("GF_SOAK is a number"))
}

/// The same for the same seed (SplitMix64), so that a failure can be repeated.
pub fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
