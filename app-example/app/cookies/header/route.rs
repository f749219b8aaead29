//! A cookie through the answer's own `Set-Cookie` header.

use waystation::{Response, Result, cookies};

pub async fn get() -> Result<Response> {
    let token = cookies().get("token").unwrap_or_default();
    Response::builder()
        .header("set-cookie", format!("token={token}"))
        .body("Hello, Waystation!")
}
