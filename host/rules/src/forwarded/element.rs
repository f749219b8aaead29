//! Reads `Forwarded` (RFC 7239).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ForwardedError;

/// What one proxy wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `for`: whom it had before it.
    pub(super) before: Option<String>,
    pub(super) host: Option<String>,
    /// `proto`.
    pub(super) scheme: Option<String>,
}

/// Reads one line, such as `for=192.0.2.1;proto=https, for="[2001:db8::1]:80"`.
///
/// What the RFC allows, and spaces around semicolons, and any character but a space in a value without quotes, as `for=192.0.2.1:80` has.
/// Parameters that are not looked at are only read.
///
/// # Errors
///
/// [`ForwardedError::Syntax`], also for a parameter that is there twice.
pub(super) fn all(line: &[u8]) -> Result<Vec<Element>, ForwardedError> {
    let fault = |rest: &[u8]| ForwardedError::Syntax {
        rest: String::from_utf8_lossy(rest).into_owned(),
    };
    let text = std::str::from_utf8(line).map_err(|_| fault(line))?;
    let mut elements = Vec::new();
    let mut names: Vec<String> = Vec::new(); // of the element that is being read
    let mut element = Element::default();
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        let start = rest;
        if !rest.starts_with([';', ',']) {
            let ((name, value), after) = pair(rest).ok_or_else(|| fault(start.as_bytes()))?;
            if names.contains(&name) {
                return Err(fault(start.as_bytes()));
            }
            match &*name {
                "for" => element.before = Some(value),
                "host" => element.host = Some(value),
                "proto" => element.scheme = Some(value),
                _ => {}
            }
            names.push(name);
            rest = after.trim_ascii_start();
        }
        match rest.as_bytes().first() {
            None => {}
            Some(b';') => rest = rest[1..].trim_ascii_start(),
            Some(b',') => {
                rest = rest[1..].trim_ascii_start();
                if !std::mem::take(&mut names).is_empty() {
                    elements.push(std::mem::take(&mut element));
                }
            }
            Some(_) => return Err(fault(rest.as_bytes())),
        }
    }
    if !names.is_empty() {
        elements.push(element);
    }
    Ok(elements)
}

/// The parameter that a text starts with, its name in lower case, and what comes after it.
fn pair(text: &str) -> Option<((String, String), &str)> {
    let (name, rest) = text.split_once('=')?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    if let Some(rest) = rest.strip_prefix('"') {
        let (value, rest) = quoted(rest)?;
        return Some(((name, value), rest));
    }
    let is_value = |c: char| c.is_ascii_graphic() && !";,\"".contains(c);
    let (value, rest) = rest.split_at(rest.find(|c| !is_value(c)).unwrap_or(rest.len()));
    (!value.is_empty()).then(|| ((name, value.to_owned()), rest))
}

/// The value up to the quote that ends it, and what comes after that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut is_escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            '"' if !is_escaped => return Some((value, &text[at + 1..])),
            ' '..='~' | '\t' => value.push(sign),
            _ => return None,
        }
        is_escaped = false;
    }
    None
}

/// `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`, the first and the last also with a port; none for `unknown` and names.
///
/// The IPv6 spelling of an IPv4 address is that address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_port = port.is_empty() || port.starts_with(':');
        IpAddr::V6(address.parse().ok().filter(|_| is_port)?)
    } else {
        let with_port = || {
            text.split_once(':')
                .and_then(|(address, _)| address.parse::<Ipv4Addr>().ok())
        };
        let v6 = text.parse::<Ipv6Addr>().map(IpAddr::V6).ok();
        let v4 = text.parse::<Ipv4Addr>().ok().or_else(with_port);
        v6.or(v4.map(IpAddr::V4))?
    };
    Some(address.to_canonical())
}
