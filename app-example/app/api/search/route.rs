//! The query: `hello` for `/api/search?query=hello`.

use waystation::{Error, Request, Result, StatusCode};

pub async fn get(request: Request) -> Result<String> {
    let params = request.url().search_params();
    let query = params
        .get("query")
        .ok_or_else(|| Error::new(StatusCode::BAD_REQUEST, "add ?query="))?;
    Ok(format!("nothing found for {query}"))
}
