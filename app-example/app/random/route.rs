//! Random bytes, fit for a token.

use waystation::random_bytes;

pub async fn get() -> String {
    hex::encode(random_bytes(16))
}
