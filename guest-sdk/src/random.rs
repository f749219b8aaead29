//! Unpredictable bytes, fit for keys and tokens. In a native test they are the same each time.

/// So many random bytes. In a native test they come from [`TestRequest::seed`](crate::testing::TestRequest::seed).
///
/// ```
/// pub fn get() -> String {
///     let token = waystation::random_bytes(16);
///     token.iter().map(|byte| format!("{byte:02x}")).collect()
/// }
/// ```
pub fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let more = more(count - bytes.len());
        match bytes.is_empty() {
            true => bytes = more,
            false => bytes.extend(more),
        }
    }
    bytes
}

/// A random number of 64 bits.
///
/// ```
/// pub fn get() -> String {
///     format!("you rolled {}", waystation::random_u64() % 6 + 1)
/// }
/// ```
pub fn random_u64() -> u64 {
    #[cfg(not(target_family = "wasm"))]
    return crate::ambient::world().random();
    #[cfg(target_family = "wasm")]
    wasip3::random::random::get_random_u64()
}

/// At most so many bytes: a host may give fewer at a time.
fn more(count: usize) -> Vec<u8> {
    #[cfg(not(target_family = "wasm"))]
    return random_u64().to_le_bytes()[..count.min(8)].to_vec();
    #[cfg(target_family = "wasm")]
    wasip3::random::random::get_random_bytes(count as u64)
}
