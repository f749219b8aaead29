//! Stands for the server that `/posts` asks.

use serde::Serialize;
use std::time::SystemTime;
use waystation::{Json, Result, now};

#[derive(Serialize)]
pub struct Post {
    title: &'static str,
    read: u64, // seconds since 1970
}

pub async fn get() -> Result<Json<[Post; 2]>> {
    let read = now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    Ok(Json(["tea", "milk"].map(|title| Post { title, read })))
}
