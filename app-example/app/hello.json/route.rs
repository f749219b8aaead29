//! A folder with a dot.

use waystation::{Response, Result};

pub async fn get() -> Result<Response> {
    Response::json(&["hello", "world"])
}
