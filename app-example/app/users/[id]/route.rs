//! Params as a type of one's own: what is not a number answers 404.

use serde::{Deserialize, Serialize};
use waystation::{Context, Json, Result};

#[derive(Deserialize, Serialize)]
pub struct User {
    id: u32,
}

pub async fn get(context: Context) -> Result<Json<User>> {
    let user: User = context.params()?;
    Ok(Json(user))
}
