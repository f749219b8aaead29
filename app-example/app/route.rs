//! JSON from the root of the app.

use serde::Serialize;
use waystation::Json;

#[derive(Serialize)]
pub struct Hello {
    message: &'static str,
}

pub async fn get() -> Json<Hello> {
    Json(Hello {
        message: "Hello World",
    })
}
