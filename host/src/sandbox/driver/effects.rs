//! What else a guest wants done because of a request, in the words of the rules.

use waystation_rules::caching::{LapseWords, Lapsing, PathKind};
use waystation_rules::cookies::{Priority, SameSite, SetCookie};

use crate::sandbox::bindings::outcome::{self, Effect};
use crate::sandbox::fault::Fault;
use crate::sandbox::met::MOST_FIELDS;

/// What else a guest wants done.
#[derive(Debug, Default)]
pub struct Effects {
    /// The cookies that the handler set through `cookies()`, in order.
    pub cookies: Vec<SetCookie>,
    /// What goes out of date, in order.
    pub lapses: Vec<LapseWords>,
    /// Whether draft mode goes on or off.
    pub draft_mode: Option<bool>,
    /// Whether it goes on when the answer is over.
    pub has_more: bool,
}

impl Effects {
    /// In the words of the rules, if an answer may have so many cookies.
    pub(super) fn of(effects: Vec<Effect>) -> Result<Self, Fault> {
        let mut told = Self::default();
        for effect in effects {
            match effect {
                Effect::SetCookie(cookie) => told.cookies.push(set_cookie(cookie)),
                Effect::After => told.has_more = true,
                Effect::RevalidateTag(lapse) => told.lapses.push(match lapse.lapsing {
                    outcome::Lapsing::Stale => LapseWords::Tag(lapse.tag, Lapsing::Stale),
                    outcome::Lapsing::Profile(name) => LapseWords::Profile(lapse.tag, name),
                    outcome::Lapsing::Expire(seconds) => {
                        LapseWords::Tag(lapse.tag, Lapsing::Expire(seconds))
                    }
                }),
                Effect::RevalidatePath(lapse) => {
                    let kind = lapse.kind.map(|kind| match kind {
                        outcome::PathKind::Page => PathKind::Page,
                        outcome::PathKind::Layout => PathKind::Layout,
                    });
                    told.lapses.push(LapseWords::Path(lapse.path, kind));
                }
                Effect::DraftMode(on) => told.draft_mode = Some(on),
            }
        }
        match told.cookies.len() {
            ..=MOST_FIELDS => Ok(told),
            cookies => Err(Fault::Fields(format!(
                "it set {cookies} cookies; an answer sets {MOST_FIELDS} at most"
            ))),
        }
    }
}

fn set_cookie(cookie: outcome::Cookie) -> SetCookie {
    SetCookie {
        name: cookie.name,
        value: cookie.value,
        path: cookie.path,
        expires: cookie.expires,
        max_age: cookie.max_age,
        domain: cookie.domain,
        secure: cookie.secure,
        http_only: cookie.http_only,
        same_site: cookie.same_site.map(|same_site| match same_site {
            outcome::SameSite::Strict => SameSite::Strict,
            outcome::SameSite::Lax => SameSite::Lax,
            outcome::SameSite::None => SameSite::None,
        }),
        partitioned: cookie.partitioned,
        priority: cookie.priority.map(|priority| match priority {
            outcome::Priority::Low => Priority::Low,
            outcome::Priority::Medium => Priority::Medium,
            outcome::Priority::High => Priority::High,
        }),
    }
}
