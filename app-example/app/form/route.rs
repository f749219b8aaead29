//! A form's fields, in either way that browsers send them.

use serde::Serialize;
use waystation::{FormValue, Json, Request, Result};

#[derive(Serialize)]
pub struct Sender {
    name: Option<String>,
    email: Option<String>,
}

pub async fn post(request: Request) -> Result<Json<Sender>> {
    let form = request.form_data().await?;
    let text = |name| form.get(name).and_then(FormValue::text);
    Ok(Json(Sender {
        name: text("name").map(str::to_owned),
        email: text("email").map(str::to_owned),
    }))
}
