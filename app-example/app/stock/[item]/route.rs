//! "Not found" through `?`.

use crate::Params;
use waystation::{Context, Error, Result};

const STOCK: [(&str, u32); 2] = [("chair", 7), ("lamp", 3)];

pub async fn get(context: Context<Params>) -> Result<String> {
    let item = context.params.item;
    let count = count(&item).ok_or_else(Error::not_found)?;
    Ok(format!("{item}: {count} left"))
}

fn count(item: &str) -> Option<u32> {
    let (_, count) = STOCK.into_iter().find(|(name, _)| *name == item)?;
    Some(count)
}
