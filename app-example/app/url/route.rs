//! The request's address and its parts.

use serde::Serialize;
use waystation::{Json, Request};

#[derive(Serialize)]
pub struct Parts {
    href: String,
    pathname: String,
    search: String,
}

pub async fn get(request: Request) -> Json<Parts> {
    let url = request.url();
    Json(Parts {
        href: url.href(),
        pathname: url.pathname().to_owned(),
        search: url.search().to_owned(),
    })
}
