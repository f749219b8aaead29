//! A typed param and a typed body: the compiler knows both.

use crate::Params;
use serde::{Deserialize, Serialize};
use waystation::{Context, Json, Request, Result, StatusCode};

#[derive(Deserialize, Serialize)]
pub struct Item {
    name: String,
}

pub async fn get(_request: Request, context: Context<Params>) -> Json<Item> {
    Json(Item {
        name: app_example::greeting(&context.params.slug),
    })
}

pub async fn post(request: Request) -> Result<(StatusCode, Json<Item>)> {
    let item: Item = request.json().await?;
    Ok((StatusCode::CREATED, Json(item)))
}
