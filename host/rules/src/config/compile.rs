//! Reads the rules that were declared; every fault of a rule is found in one go.

use super::declared::{self, Headers, Matcher};
use super::{Condition, ConfigError, Fault, HeaderRule, RedirectRule, Rewrite, Rule, is_token};
use crate::destination::{Destination, DestinationError};
use crate::finish;
use crate::source::Source;
use crate::template::Template;

/// The faults of one rule, each with its field.
pub(super) type Faults = Vec<(String, Fault)>;

/// Compiles each rule of a list. A rule with a fault is left out and its faults are added.
pub(super) fn all<D, R>(
    list: &'static str,
    declared: &[D],
    faults: &mut Vec<ConfigError>,
    compile: impl Fn(&D, &mut Faults) -> Option<R>,
) -> Vec<R> {
    let mut rules = Vec::new();
    for (index, declared) in declared.iter().enumerate() {
        let mut found = Faults::new();
        rules.extend(compile(declared, &mut found));
        faults.extend(found.into_iter().map(|(field, fault)| ConfigError {
            list,
            index,
            field,
            fault,
        }));
    }
    rules
}

pub(super) fn headers(declared: &Headers, faults: &mut Faults) -> Option<HeaderRule> {
    let Headers {
        source,
        has,
        missing,
        base_path,
        ..
    } = declared;
    let rule = rule(source, has, missing, *base_path, faults);
    if declared.headers.is_empty() {
        faults.push(("headers".to_owned(), Fault::NoHeaders));
    }
    let rule = rule?;
    let known = rule.names();
    let mut headers = Vec::new();
    for (index, header) in declared.headers.iter().enumerate() {
        let name = Template::lenient(&header.key, &known);
        let value = Template::lenient(&header.value, &known);
        let own = |field: &str| format!("headers[{index}].{field}");
        if header.key.is_empty() || name.texts().any(|text| !is_token(text)) {
            let name = header.key.clone();
            faults.push((own("key"), Fault::HeaderName { name }));
        }
        if finish::is_forbidden(&header.key.to_ascii_lowercase()) {
            let name = header.key.clone();
            faults.push((own("key"), Fault::Framing { name }));
        }
        if value.texts().any(|text| !is_value(text)) {
            let value = header.value.clone();
            faults.push((own("value"), Fault::HeaderValue { value }));
        }
        headers.push((name, value));
    }
    Some(HeaderRule { rule, headers })
}

pub(super) fn redirect(declared: &declared::Redirect, faults: &mut Faults) -> Option<RedirectRule> {
    let declared::Redirect {
        source,
        has,
        missing,
        base_path,
        ..
    } = declared;
    let rule = rule(source, has, missing, *base_path, faults);
    let destination = destination(&declared.destination, rule.as_ref(), faults);
    let status = match (declared.permanent, declared.status_code) {
        (Some(true), None) => Ok(308),
        (Some(false), None) => Ok(307),
        (None, Some(status @ (301 | 302 | 303 | 307 | 308))) => Ok(status),
        (None, Some(status)) => Err(("status_code", Fault::Status { status })),
        (Some(_), Some(_)) => Err(("status_code", Fault::TwoStatuses)),
        (None, None) => Err(("permanent", Fault::NoStatus)),
    };
    let status = status.map_err(|(field, fault)| faults.push((field.to_owned(), fault)));
    Some(RedirectRule {
        rule: rule?,
        status: status.ok()?,
        destination: destination?,
    })
}

pub(super) fn rewrite(declared: &declared::Rewrite, faults: &mut Faults) -> Option<Rewrite> {
    let declared::Rewrite {
        source,
        has,
        missing,
        base_path,
        ..
    } = declared;
    let rule = rule(source, has, missing, *base_path, faults);
    let destination = destination(&declared.destination, rule.as_ref(), faults)?;
    if !base_path && !destination.is_external() {
        faults.push(("destination".to_owned(), Fault::OwnDestination));
    }
    Some(Rewrite {
        rule: rule?,
        destination,
    })
}

/// A matcher is a rule that does nothing by itself.
pub(super) fn matcher(declared: &Matcher, faults: &mut Faults) -> Option<Rule> {
    rule(
        &declared.source,
        &declared.has,
        &declared.missing,
        true,
        faults,
    )
}

fn rule(
    source: &str,
    has: &[declared::Condition],
    missing: &[declared::Condition],
    base_path: bool,
    faults: &mut Faults,
) -> Option<Rule> {
    let source =
        Source::parse(source).map_err(|error| faults.push(("source".to_owned(), error.into())));
    let before = faults.len();
    let has = conditions("has", has, faults);
    let missing = conditions("missing", missing, faults);
    if before < faults.len() {
        return None;
    }
    Some(Rule {
        source: source.ok()?,
        has,
        missing,
        base_path,
    })
}

fn conditions(list: &str, declared: &[declared::Condition], faults: &mut Faults) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (index, declared) in declared.iter().enumerate() {
        match Condition::compile(declared) {
            Ok(condition) => conditions.push(condition),
            Err((field, fault)) => faults.push((format!("{list}[{index}].{field}"), fault)),
        }
    }
    conditions
}

/// Reads a destination. Where its rule has a fault, its params are not known and cannot be missed.
fn destination(text: &str, rule: Option<&Rule>, faults: &mut Faults) -> Option<Destination> {
    match Destination::parse(text, &rule.map(Rule::names).unwrap_or_default()) {
        Ok(destination) => Some(destination),
        Err(DestinationError::UnknownParam { .. }) if rule.is_none() => None,
        Err(error) => {
            faults.push(("destination".to_owned(), error.into()));
            None
        }
    }
}

/// Printable ASCII, spaces and tabs (RFC 9110, 5.5, without what it calls obsolete).
fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}
