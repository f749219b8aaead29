//! Unpredictable bytes, fit for keys and tokens.

/// So many random bytes.
pub fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let more = wasip3::random::random::get_random_bytes((count - bytes.len()) as u64);
        match bytes.is_empty() {
            true => bytes = more,
            false => bytes.extend(more),
        }
    }
    bytes
}

/// A random number of 64 bits.
pub fn random_u64() -> u64 {
    wasip3::random::random::get_random_u64()
}
