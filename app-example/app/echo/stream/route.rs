//! The body as it arrives, sent back chunk by chunk.

use waystation::{Request, Response, Result};

pub async fn post(request: Request) -> Result<Response> {
    Ok(Response::stream(request.body()?))
}
