//! Does what a guest wants done beside its answer, before that leaves: what is out of date, and draft mode.

use waystation_rules::caching::{DRAFT_COOKIE, draft_cookie};

use crate::app::Policy;
use crate::sandbox::Effects;
use crate::store::Kept;
use crate::telemetry::RequestId;

/// Does what of the effects is not about the answer's own headers. A tag or a profile that is none is logged: the answer stands (rows V3,
/// V6 and V8).
pub(super) async fn settle(policy: &Policy, effects: &mut Effects, route: &str, id: RequestId) {
    if !effects.lapses.is_empty() {
        let mut lapses = Vec::new();
        for words in &effects.lapses {
            match policy.kept.lapsing(words) {
                Ok(lapse) => lapses.push(lapse),
                Err(fault) => tracing::warn!("{route} {id}: nothing was revalidated: {fault}"),
            }
        }
        Box::pin(policy.kept.store.lapse(&lapses)).await;
    }
    if let Some(is_on) = effects.draft_mode {
        let secret = is_on.then(|| policy.kept.draft_secret.current());
        let is_development = policy.shows_errors;
        effects
            .cookies
            .push(draft_cookie(secret.as_deref(), is_development));
    }
}

/// Whether a client is in draft mode (row D4).
pub(super) fn is_draft(kept: &Kept, cookies: &[(String, String)]) -> bool {
    let mut shown = cookies.iter().filter(|(name, _)| name == DRAFT_COOKIE);
    shown.any(|(_, value)| kept.is_draft(value))
}
