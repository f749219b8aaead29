//! Params as a type of one's own: what is not a number answers 404.

use serde::Deserialize;
use waystation::{Context, Result};

#[derive(Deserialize)]
struct User {
    id: u32,
}

pub async fn get(context: Context) -> Result<String> {
    let User { id } = context.params()?;
    Ok(app_example::greeting(&format!("user {id}")))
}
