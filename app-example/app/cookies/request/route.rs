//! Cookies of the request, read-only.

use waystation::{Error, Request, Result};

pub async fn get(request: Request) -> Result<String> {
    let cookies = request.cookies();
    let token = cookies.get("token").ok_or_else(Error::unauthorized)?;
    Ok(format!("the token is {token}"))
}
