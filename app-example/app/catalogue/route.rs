//! A long answer: the host compresses it for clients that take that, and names it so that it is not sent twice.

use waystation::Json;

pub async fn get() -> Json<Vec<String>> {
    Json((1..=500).map(|number| format!("item {number}")).collect())
}
