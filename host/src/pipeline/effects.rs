//! Does what a guest wants done beside its answer, before that leaves: what is out of date, and draft mode.

use waystation_rules::cookies::{SameSite, SetCookie};

use crate::app::Policy;
use crate::sandbox::Effects;
use crate::store::Kept;
use crate::telemetry::Record;

/// The cookie of a client in draft mode, as in Next (row D1).
pub(super) const DRAFT_COOKIE: &str = "__prerender_bypass";

/// Does what of the effects is not about the answer's own headers. A tag or a profile that is none is logged: the answer stands (rows V3,
/// V6 and V8).
pub(super) async fn settle(policy: &Policy, effects: &mut Effects, record: &Record) {
    if !effects.lapses.is_empty() {
        let mut lapses = Vec::new();
        for words in &effects.lapses {
            match policy.kept.lapsing(words) {
                Ok(lapse) => lapses.push(lapse),
                Err(fault) => tracing::warn!(
                    "{} {}: nothing was revalidated: {fault}",
                    record.route(),
                    record.id
                ),
            }
        }
        policy.kept.store.lapse(&lapses).await;
    }
    if let Some(is_on) = effects.draft_mode {
        effects.cookies.push(draft(policy, is_on));
    }
}

/// Rows D1 and D2.
fn draft(policy: &Policy, is_on: bool) -> SetCookie {
    let is_dev = policy.shows_errors; // over plain HTTP a browser takes no cookie that is `Secure`
    SetCookie {
        name: DRAFT_COOKIE.to_owned(),
        value: match is_on {
            true => policy.kept.draft_secret.clone(),
            false => String::new(),
        },
        path: "/".to_owned(),
        expires: (!is_on).then_some(0),
        max_age: None,
        domain: None,
        secure: !is_dev,
        http_only: true,
        same_site: Some(if is_dev {
            SameSite::Lax
        } else {
            SameSite::None
        }),
        partitioned: false,
        priority: None,
    }
}

/// Whether a client is in draft mode (row D4).
pub(super) fn is_draft(kept: &Kept, cookies: &[(String, String)]) -> bool {
    let mut shown = cookies.iter().filter(|(name, _)| name == DRAFT_COOKIE);
    shown.any(|(_, value)| kept.is_draft(value))
}
