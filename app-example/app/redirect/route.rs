//! A redirect to another site: 307, or 303 after a form was posted.

use waystation::{Response, Result, redirect};

pub async fn get() -> Result<Response> {
    redirect("https://nextjs.org/")
}

pub async fn post() -> Result<Response> {
    redirect("https://nextjs.org/")
}
