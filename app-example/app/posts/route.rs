//! What is fetched as JSON, answered as JSON, and made again after 60 seconds.

use serde_json::Value;
use waystation::{Json, Result, Revalidate, fetch};

pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

pub async fn get() -> Result<Json<Value>> {
    let data = fetch("/api/blog").await?;
    let posts = data.json().await?;
    Ok(Json(posts))
}
