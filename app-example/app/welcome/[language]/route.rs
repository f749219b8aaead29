//! One page in several languages; `proxy.rs` chooses.

use crate::Params;
use waystation::{Context, Error, Result};

pub fn get(context: Context<Params>) -> Result<&'static str> {
    match &*context.params.language {
        "de" => Ok("Willkommen!"),
        "en" => Ok("Welcome!"),
        _ => Err(Error::not_found()),
    }
}
