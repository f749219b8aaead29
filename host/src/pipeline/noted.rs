//! What the log and the counts say of a request to what is kept.

use std::borrow::Cow;

use waystation_rules::caching::{NotKept, Served};

use crate::sandbox::Guest;
use crate::telemetry::Record;

/// For the log, and for whoever counts.
pub(super) fn note(served: Served, guest: &Guest, record: &mut Record) {
    guest.count(served);
    if let Some(counts) = &record.counts {
        counts.kept(served);
    }
    record.tell_kept(|| served.as_str().into());
}

/// Says that the handler is asked with the request each time; without a reason if the build found it.
pub(super) fn dynamic(reason: Option<NotKept>) -> Cow<'static, str> {
    match reason {
        Some(reason) => format!("dynamic: {reason}").into(),
        None => "dynamic: the build found that it reads the request".into(),
    }
}
