//! Whether and how the answers to a route's GET are kept.

use waystation_rules::caching::Keeping;

use crate::app::{App, Route};
use crate::sandbox::Guest;
use crate::telemetry::Record;

/// As the route's constants say, where answers are kept at all.
pub(super) fn of(app: &App, route: &Route, guest: &Guest) -> Keeping {
    match app.policy.kept.keeps_answers {
        true => asked_for(route, guest),
        false => Keeping::Never,
    }
}

/// The same for a request, whose line says so where an answer is not kept that would be in production.
pub(super) fn for_request(app: &App, route: &Route, guest: &Guest, record: &mut Record) -> Keeping {
    let keeping = of(app, route, guest);
    if !app.policy.kept.keeps_answers && asked_for(route, guest) != Keeping::Never {
        record.tell_kept(|| "not kept: without --cache".into()); // Y11
    }
    keeping
}

/// What the route's constants say.
fn asked_for(route: &Route, guest: &Guest) -> Keeping {
    let name = route.file.as_bytes().rsplit(|byte| *byte == b'/').next();
    let is_metadata = !name.is_some_and(|name| name.starts_with(b"route."));
    Keeping::of(guest.config(), guest.lists_params(), is_metadata)
}
