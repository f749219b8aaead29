//! Two dynamic segments, inside a group: `(shop)` is no part of the path.

use crate::Params;
use waystation::Context;

pub async fn get(context: Context<Params>) -> String {
    let Params { tag, item } = context.params;
    format!("item {item}, tagged {tag}")
}
