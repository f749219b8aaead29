//! An optional catch-all: `None` for `/docs` itself.

use crate::Params;
use waystation::Context;

pub async fn get(context: Context<Params>) -> String {
    match context.params.path {
        None => "the table of contents".to_owned(),
        Some(path) => format!("the page {}", path.join(" > ")),
    }
}
