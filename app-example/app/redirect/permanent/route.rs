//! A redirect for good, with a relative address and a cookie.

use waystation::{Response, Result, cookies, permanent_redirect};

pub async fn get() -> Result<Response> {
    cookies().set(("moved", "yes"));
    permanent_redirect("/hello")
}
