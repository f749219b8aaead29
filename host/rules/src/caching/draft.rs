//! Draft mode's cookie (rows D1 and D2).

use crate::cookies::{SameSite, SetCookie};

/// The name of the cookie, as in Next.
pub const DRAFT_COOKIE: &str = "__prerender_bypass";

/// What switches draft mode on for a client, or without a secret off. Over plain HTTP, as in development, a browser takes no cookie that
/// is `Secure`.
#[must_use]
pub fn draft_cookie(secret: Option<&str>, is_development: bool) -> SetCookie {
    SetCookie {
        name: DRAFT_COOKIE.to_owned(),
        value: secret.unwrap_or_default().to_owned(),
        path: "/".to_owned(),
        expires: secret.is_none().then_some(0),
        max_age: None,
        domain: None,
        secure: !is_development,
        http_only: true,
        same_site: Some(match is_development {
            true => SameSite::Lax,
            false => SameSite::None,
        }),
        partitioned: false,
        priority: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_mode_is_a_cookie() {
        let line = |secret, is_development| draft_cookie(secret, is_development).to_header(0);
        assert_eq!(
            line(Some("s"), false),
            "__prerender_bypass=s; Path=/; Secure; HttpOnly; SameSite=none"
        ); // D1
        assert_eq!(
            line(Some("s"), true),
            "__prerender_bypass=s; Path=/; HttpOnly; SameSite=lax"
        );
        assert_eq!(
            line(None, false),
            "__prerender_bypass=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=none"
        ); // D2
    }
}
