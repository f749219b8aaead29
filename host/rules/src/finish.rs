//! Decides what of a guest's answer may leave.
//!
//! In: header names, the status, the request's method.
//! Out: yes or no.
//!
//! How a message is framed is between the host and the connection: a guest that could say it could split a response in two.

use crate::method::Method;

/// Whether a header of a guest's answer is dropped: it would frame the message, manage the connection, or steer a Next-like proxy.
///
/// `content-length` is one of these: the host counts the body itself and sends the length where [`length_allowed`].
#[must_use]
pub fn is_forbidden(header_name_lowercase: &str) -> bool {
    header_name_lowercase == "content-length"
        || is_hop_by_hop(header_name_lowercase)
        || header_name_lowercase.starts_with("x-middleware-")
}

/// Whether a header speaks of one connection only, so that it is not passed on to another (RFC 9110, 7.6.1; RFC 9113, 8.2.2).
#[must_use]
pub fn is_hop_by_hop(header_name_lowercase: &str) -> bool {
    const NAMES: [&str; 9] = [
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&header_name_lowercase)
}

/// Whether a header of a guest's answer joins one of the same name that the operator's rules have set, rather than giving way (row S5).
#[must_use]
pub fn is_appendable(header_name_lowercase: &str) -> bool {
    matches!(
        header_name_lowercase,
        "proxy-authenticate" | "set-cookie" | "vary" | "www-authenticate"
    )
}

/// Whether a guest may answer with this status: a final one that HTTP can carry. 1xx belong to the connection.
#[must_use]
pub const fn is_status(status: u16) -> bool {
    matches!(status, 200..=599)
}

/// The status of a handler's error: what it asks for if that says so, else 500.
pub const fn failure_status(status: u16) -> u16 {
    match status {
        400..=599 => status,
        _ => 500,
    }
}

/// Whether the answer to `method` with `status` carries a body.
#[must_use]
pub fn body_allowed(method: Method, status: u16) -> bool {
    method != Method::Head && !matches!(status, 100..=199 | 204 | 205 | 304)
}

/// Whether the answer may say its `content-length`. For HEAD it is the length that GET would have sent; 205 has the length 0.
///
/// 304 could tell the length of the body it stands for, but the host no longer knows it.
#[must_use]
pub const fn length_allowed(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 304)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_does_not_frame_its_message() {
        for name in [
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
        ] {
            assert!(is_forbidden(name), "{name}"); // S4
        }
        for name in [
            "x-middleware-next",
            "x-middleware-rewrite",
            "x-middleware-set-cookie",
        ] {
            assert!(is_forbidden(name), "{name}"); // M16, M17, C12
        }
        for name in [
            "content-type",
            "content-encoding",
            "set-cookie",
            "vary",
            "x-m",
            "te-x",
        ] {
            assert!(!is_forbidden(name), "{name}");
        }
    }

    #[test]
    fn some_headers_of_a_guest_join_those_of_the_rules() {
        // S5
        for name in [
            "set-cookie",
            "www-authenticate",
            "proxy-authenticate",
            "vary",
        ] {
            assert!(is_appendable(name), "{name}");
        }
        assert!(
            !["cache-control", "x-m", "link"]
                .into_iter()
                .any(is_appendable)
        );
    }

    #[test]
    fn a_status_is_final() {
        assert!([200, 204, 304, 404, 599].into_iter().all(is_status));
        assert!(![0, 100, 101, 199, 600, 999].into_iter().any(is_status)); // S12
    }

    #[test]
    fn some_answers_have_no_body() {
        // S9, M5
        check(Method::Get, 200, "body, length");
        check(Method::Post, 404, "body, length");
        check(Method::Head, 200, "no body, length");
        check(Method::Get, 204, "no body, no length");
        check(Method::Head, 204, "no body, no length");
        check(Method::Get, 205, "no body, length");
        check(Method::Get, 304, "no body, no length");
        check(Method::Get, 103, "no body, no length");
    }

    #[track_caller]
    fn check(method: Method, status: u16, expected: &str) {
        let body = if body_allowed(method, status) {
            "body"
        } else {
            "no body"
        };
        let length = if length_allowed(status) {
            "length"
        } else {
            "no length"
        };
        assert_eq!(format!("{body}, {length}"), expected);
    }

    #[test]
    fn an_error_is_no_success() {
        assert_eq!([400, 413, 599].map(failure_status), [400, 413, 599]);
        assert_eq!([0, 100, 200, 307, 600].map(failure_status), [500; 5]);
    }
}
