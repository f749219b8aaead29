//! Behind `proxy.rs`, which sets `x-member` in place of whatever a client sends.

use waystation::{Result, headers};

pub fn get() -> Result<String> {
    let headers = headers();
    let member = headers.get("x-member").map(|member| member.to_str());
    let member = member.transpose()?.unwrap_or("nobody");
    Ok(app_example::greeting(member))
}
