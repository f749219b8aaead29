//! Asks a route of this app, without the network, or one of the servers that `[outbound]` of waystation.toml lists.

use waystation::{IntoResponse, Request, Response, Result, StatusCode, fetch};

pub async fn get(request: Request) -> Result<Response> {
    let from = request.url().search_params().get("from");
    match fetch(from.as_deref().unwrap_or("/items/lamp")).await {
        Ok(answer) => answer.into_response(), // handed on as it arrives
        Err(error) => Ok(Response::text(error.to_string()).with_status(StatusCode::BAD_GATEWAY)),
    }
}
