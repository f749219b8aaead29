//! Asked before everything below `/members`: lets in who has a session, and tells the routes who that is.

use waystation::{IntoResponse, Next, Request, Response, Result, StatusCode};

pub async fn proxy(request: Request) -> Result<Response> {
    match request.cookies().get("session") {
        Some(member) => Next::new()
            .request_header("x-member", member)
            .into_response(),
        None => (StatusCode::UNAUTHORIZED, "members only").into_response(),
    }
}
