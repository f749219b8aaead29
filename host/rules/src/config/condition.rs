//! What a request must have, or must not have, for a rule to be about it (row PX4).

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::declared::{self, Kind};
use super::{Asked, Fault};
use crate::source::{self, Captured, Captures};

/// A condition, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    kind: Kind,
    /// In lower case for a header; empty for the host.
    key: String,
    /// For the whole value; none for any.
    value: Option<Regex>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    ///
    /// The name of the field at fault, with its [`Fault`].
    pub(super) fn compile(declared: &declared::Condition) -> Result<Self, (&'static str, Fault)> {
        let key = match (declared.kind, &declared.key) {
            (Kind::Host, None) => String::new(),
            (Kind::Host, Some(_)) => return Err(("key", Fault::KeyOfHost)),
            (Kind::Header, Some(key)) if !key.is_empty() => key.to_ascii_lowercase(),
            (_, Some(key)) if !key.is_empty() => key.clone(),
            _ => return Err(("key", Fault::NoKey)),
        };
        let value = declared.value.as_ref().filter(|value| !value.is_empty());
        if value.is_none() && declared.kind == Kind::Host {
            return Err(("value", Fault::NoValue));
        }
        Ok(Self {
            kind: declared.kind,
            key,
            value: value.map(|value| compile(value)).transpose()?,
        })
    }

    /// The params that it gives to its rule.
    pub(super) fn names(&self) -> Vec<String> {
        let groups = self.value.iter().flat_map(Regex::capture_names).flatten();
        let named: Vec<_> = groups.map(str::to_owned).collect();
        match (self.kind, &self.value) {
            _ if !named.is_empty() => named,
            (Kind::Host, _) => vec!["host".to_owned()],
            (_, None) if !self.param().is_empty() => vec![self.param()],
            _ => Vec::new(),
        }
    }

    /// Whether the request has it; if so, its params are added to the rule's.
    ///
    /// An empty value is none. The params are the named groups of the regular expression; for a condition without one, the key without
    /// anything but its ASCII letters; for a host without named groups, `host`.
    pub(super) fn holds(&self, asked: &Asked<'_>, captures: &mut Captures) -> bool {
        let Some(value) = self.value_of(asked).filter(|value| !value.is_empty()) else {
            return false;
        };
        let Some(regex) = &self.value else {
            captures.add(&self.param(), Captured::Text(value.into_owned()));
            return true;
        };
        let Some(found) = regex.captures(&value) else {
            return false;
        };
        let mut is_named = false;
        for name in regex.capture_names().flatten() {
            is_named = true;
            let group = found.name(name).map_or("", |group| group.as_str());
            captures.add(name, Captured::Text(group.to_owned()));
        }
        if !is_named && self.kind == Kind::Host {
            captures.add("host", Captured::Text(value.clone().into_owned()));
        }
        true
    }

    fn value_of<'a>(&self, asked: &Asked<'a>) -> Option<Cow<'a, str>> {
        match self.kind {
            Kind::Header => {
                let lines = asked.headers.iter().filter(|(name, _)| *name == self.key);
                let lines: Vec<_> = lines.map(|(_, value)| *value).collect();
                (!lines.is_empty()).then(|| Cow::Owned(lines.join(", ")))
            }
            Kind::Cookie => {
                let found = asked.cookies.iter().find(|(name, _)| *name == self.key);
                found.map(|(_, value)| Cow::Borrowed(&**value))
            }
            Kind::Query => {
                let pairs = form_urlencoded::parse(asked.query.unwrap_or_default().as_bytes());
                let found = pairs.filter(|(name, _)| *name == self.key).last();
                found.map(|(_, value)| value)
            }
            Kind::Host => Some(Cow::Owned(hostname(asked.host).to_ascii_lowercase())),
        }
    }

    /// Next's name for the key: its letters.
    fn param(&self) -> String {
        let letters = self.key.chars().filter(char::is_ascii_alphabetic);
        letters.collect()
    }
}

/// A host without its port; the brackets of an IPv6 address stay.
fn hostname(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

fn compile(value: &str) -> Result<Regex, (&'static str, Fault)> {
    let fault = |fault: String| {
        let value = value.to_owned();
        ("value", Fault::Regex { value, fault })
    };
    let build = |expression: &str| {
        let regex = RegexBuilder::new(expression)
            .dot_matches_new_line(true)
            .size_limit(source::LARGEST)
            .build();
        regex.map_err(|error| fault(source::fault(&error)))
    };
    if source::LONGEST < value.len() {
        return Err(fault(format!(
            "it is longer than {} bytes",
            source::LONGEST
        )));
    }
    build(value)?; // by itself, so that no parenthesis of it ends the one around it
    build(&format!("^(?:{value})$"))
}
