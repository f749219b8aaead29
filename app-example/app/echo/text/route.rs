//! The body as text, sent back once all of it is there.

use waystation::{Request, Result};

pub async fn post(request: Request) -> Result<String> {
    request.text().await
}
