//! A catch-all: one or more segments, as a `Vec`.

use crate::Params;
use waystation::{Context, Json};

pub async fn get(context: Context<Params>) -> Json<Vec<String>> {
    Json(context.params.slug)
}
