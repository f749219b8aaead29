//! Decides which answers are kept, for how long, and what may be sent of them.
//!
//! In: what a route configures, what its handler read and answered, and the time. Out: whether an answer is kept, how long it is fresh,
//! and the headers that say so. Sections 9 to 11 of the reference (threat model, R4).
//!
//! Times are milliseconds since the epoch and come in as arguments. One answer and one value of `fetch` or `cached` live by the same
//! rules: a [`Life`] makes [`Times`], and a [`Lapse`] of a tag ends them early.

mod draft;
mod fetch;
mod header;
mod key;
mod lapse;
mod life;
pub mod params;
mod profile;
mod reads;
mod storable;
mod tags;
mod wire;

pub use draft::{DRAFT_COOKIE, draft_cookie};
pub use fetch::{CacheMode, FetchFault, FetchOptions, Plan, plan};
pub use header::{CACHE_HEADER, NOT_KEPT, Served, age, cache_control, cache_status, fresh_for};
pub use key::{answer as answer_key, fetched as fetched_key, value as value_key};
pub use lapse::{EVERY, Lapse, Lapsing, MOST_LAPSES, fold};
pub use life::{Life, State, Times, YEAR};
pub use profile::{Profile, Profiles};
pub use reads::{Read, Reads};
pub use storable::{NotKept, storable};
pub use tags::{MOST_TAGS, PathKind, PathTag, TagFault, check_tag, of_answer, of_call, of_path};
pub use wire::{
    FETCH_HEADER, FetchWords, LAPSE_HEADER, LapseWords, READS_TRAILER, STORE, VALUE_HEADER,
    ValueWords, WordFault, value_line,
};

use crate::segment::{Dynamic, Revalidate, SegmentConfig};

/// Whether the answers to a route's GET are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Each request runs the handler (rows Y1, Y3 and Y6).
    Never,
    /// Kept as long as the handler reads nothing of the request (row Y2).
    IfUnread,
    /// Kept, and to read the request is an error: `DYNAMIC = Error` (row Y5).
    Required,
    /// Kept, and what the handler reads of the request is empty: `DYNAMIC = ForceStatic` (row Y4).
    Forced,
}

impl Keeping {
    /// What a route's constants ask for. `lists_params` says that it has `generate_static_params`, `is_metadata` that it is a metadata
    /// module, which is static by default (row Y9).
    #[must_use]
    pub fn of(config: &SegmentConfig, lists_params: bool, is_metadata: bool) -> Self {
        let asks = match config.revalidate {
            Revalidate::Seconds(0) => return Self::Never,
            Revalidate::Seconds(_) | Revalidate::Never => true,
            Revalidate::Unset => lists_params || is_metadata,
        };
        match config.dynamic {
            Dynamic::ForceDynamic => Self::Never,
            Dynamic::Error => Self::Required,
            Dynamic::ForceStatic => Self::Forced,
            Dynamic::Auto if asks => Self::IfUnread,
            Dynamic::Auto => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Declared, Limits};

    #[test]
    fn a_route_opts_in() {
        check(Declared::default(), Keeping::Never); // Y1
        check(revalidate(Revalidate::Never), Keeping::IfUnread); // Y2
        check(revalidate(Revalidate::Seconds(60)), Keeping::IfUnread);
        check(revalidate(Revalidate::Seconds(0)), Keeping::Never); // Y6
        check(dynamic(Dynamic::ForceDynamic), Keeping::Never); // Y3
        check(dynamic(Dynamic::Error), Keeping::Required); // Y5
        check(dynamic(Dynamic::ForceStatic), Keeping::Forced); // Y4
        let config = Declared::default().settle(&Limits::default()).unwrap();
        assert_eq!(Keeping::of(&config, true, false), Keeping::IfUnread); // Y2
        assert_eq!(Keeping::of(&config, false, true), Keeping::IfUnread); // Y9
    }

    #[track_caller]
    fn check(declared: Declared, expected: Keeping) {
        let config = declared.settle(&Limits::default()).unwrap();
        assert_eq!(Keeping::of(&config, false, false), expected);
    }

    fn revalidate(revalidate: Revalidate) -> Declared {
        Declared {
            revalidate: Some(revalidate),
            ..Declared::default()
        }
    }

    fn dynamic(dynamic: Dynamic) -> Declared {
        Declared {
            dynamic: Some(dynamic),
            ..Declared::default()
        }
    }
}
