//! "Forbidden": the client is known and may not. The board is Ada's alone.

use waystation::{Response, Result, forbidden, headers};

pub fn get() -> Result<Response> {
    match headers().get("x-member") {
        Some(member) if member == "ada" => Ok(Response::text("the board")),
        _ => forbidden(),
    }
}
