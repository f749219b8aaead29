//! The body as JSON of any shape, sent back.

use serde::Serialize;
use serde_json::Value;
use waystation::{Json, Request, Result};

#[derive(Serialize)]
pub struct Echo {
    res: Value,
}

pub async fn post(request: Request) -> Result<Json<Echo>> {
    let res = request.json().await?;
    Ok(Json(Echo { res }))
}
