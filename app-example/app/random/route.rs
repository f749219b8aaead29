//! Random bytes, fit for a token. `connection()` waits for a client: they are made anew for each, never once for all.

use waystation::{connection, random_bytes};

pub async fn get() -> String {
    connection().await;
    hex::encode(random_bytes(16))
}
