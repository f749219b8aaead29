//! Which answers to `fetch` are kept (sections 11.1 and 11.3).

use super::Life;
use crate::segment::{FetchCache, Revalidate, SegmentConfig};

/// `fetch(..).cache(..)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    /// `force-cache`.
    ForceCache,
    /// `no-store`, and `no-cache`, which Next treats alike.
    NoStore,
}

/// What one `fetch` says of keeping its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// `cache`.
    pub cache: Option<CacheMode>,
    /// `next.revalidate`.
    pub revalidate: Option<Revalidate>,
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Asked each time. `is_said` if the fetch asked for it, which makes the answer being made dynamic (section 11.2).
    Ask {
        /// By the fetch itself.
        is_said: bool,
    },
    /// Kept so long.
    Keep(Life),
}

/// Why a `fetch` may not say what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// Under `FETCH_CACHE = OnlyCache`.
    #[error("`no-store` in a route with `FETCH_CACHE = FetchCache::OnlyCache`")]
    OnlyCache,

    /// Under `FETCH_CACHE = OnlyNoStore`.
    #[error("`force-cache` in a route with `FETCH_CACHE = FetchCache::OnlyNoStore`")]
    OnlyNoStore,
}

/// What becomes of the answer to a `fetch` in a route.
///
/// # Errors
///
/// If the route's `FETCH_CACHE` rules out what the fetch asks for.
pub fn plan(config: &SegmentConfig, options: FetchOptions) -> Result<Plan, FetchFault> {
    let said = match (options.cache, options.revalidate) {
        (Some(CacheMode::ForceCache), Some(Revalidate::Seconds(0)))
        | (Some(CacheMode::NoStore), Some(Revalidate::Never | Revalidate::Seconds(1..))) => None, // FC5
        (Some(CacheMode::NoStore), _) | (None, Some(Revalidate::Seconds(0))) => {
            Some(Plan::Ask { is_said: true }) // FC4
        }
        (_, Some(Revalidate::Seconds(seconds))) => Some(keep(Some(seconds))), // FC3
        (Some(CacheMode::ForceCache), _) | (None, Some(Revalidate::Never)) => Some(keep(None)), // FC2
        (None, None | Some(Revalidate::Unset)) => None, // FC1
    };
    let ask = Plan::Ask { is_said: false };
    let asks = matches!(said, Some(Plan::Ask { .. }));
    Ok(match config.fetch_cache {
        FetchCache::ForceNoStore => ask,
        FetchCache::OnlyNoStore if options.cache == Some(CacheMode::ForceCache) => {
            return Err(FetchFault::OnlyNoStore);
        }
        FetchCache::OnlyNoStore => ask,
        FetchCache::Auto | FetchCache::DefaultNoStore => said.unwrap_or(ask),
        FetchCache::DefaultCache => said.unwrap_or(keep(None)),
        FetchCache::OnlyCache if asks => return Err(FetchFault::OnlyCache),
        FetchCache::OnlyCache => said.unwrap_or(keep(None)),
        FetchCache::ForceCache if asks => keep(None),
        FetchCache::ForceCache => said.unwrap_or(keep(None)),
    })
}

/// Without an end of its own it is kept for ever; past `seconds` it is sent once more while it is asked for anew.
fn keep(seconds: Option<u32>) -> Plan {
    Plan::Keep(Life {
        revalidate: seconds,
        expire: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Declared, Limits};

    const FORCE: Option<CacheMode> = Some(CacheMode::ForceCache);
    const NO_STORE: Option<CacheMode> = Some(CacheMode::NoStore);
    const SIXTY: Option<Revalidate> = Some(Revalidate::Seconds(60));

    #[test]
    fn a_fetch_says_for_itself() {
        let auto = FetchCache::Auto;
        check(auto, None, None, "ask"); // FC1
        check(auto, FORCE, None, "keep"); // FC2
        check(auto, None, Some(Revalidate::Never), "keep");
        check(auto, None, SIXTY, "keep 60"); // FC3
        check(auto, FORCE, SIXTY, "keep 60");
        check(auto, None, Some(Revalidate::Seconds(0)), "ask, said"); // FC4
        check(auto, NO_STORE, None, "ask, said");
        check(auto, FORCE, Some(Revalidate::Seconds(0)), "ask"); // FC5
        check(auto, NO_STORE, SIXTY, "ask");
    }

    #[test]
    fn the_route_s_fetch_cache_says_for_the_rest() {
        let row = |mode, expected: [&str; 4]| {
            check(mode, None, None, expected[0]);
            check(mode, FORCE, None, expected[1]);
            check(mode, NO_STORE, None, expected[2]);
            check(mode, None, SIXTY, expected[3]);
        };
        row(FetchCache::Auto, ["ask", "keep", "ask, said", "keep 60"]); // FM1
        row(
            FetchCache::DefaultCache,
            ["keep", "keep", "ask, said", "keep 60"],
        ); // FM2
        row(
            FetchCache::OnlyCache,
            ["keep", "keep", "OnlyCache", "keep 60"],
        ); // FM3
        row(FetchCache::ForceCache, ["keep", "keep", "keep", "keep 60"]); // FM4
        row(
            FetchCache::DefaultNoStore,
            ["ask", "keep", "ask, said", "keep 60"],
        ); // FM5
        row(
            FetchCache::OnlyNoStore,
            ["ask", "OnlyNoStore", "ask", "ask"],
        ); // FM6
        row(FetchCache::ForceNoStore, ["ask", "ask", "ask", "ask"]); // FM7
    }

    #[track_caller]
    fn check(
        fetch_cache: FetchCache,
        cache: Option<CacheMode>,
        revalidate: Option<Revalidate>,
        expected: &str,
    ) {
        let declared = Declared {
            fetch_cache: Some(fetch_cache),
            ..Declared::default()
        };
        let config = declared.settle(&Limits::default()).unwrap();
        let actual = match plan(&config, FetchOptions { cache, revalidate }) {
            Ok(Plan::Ask { is_said: false }) => "ask".to_owned(),
            Ok(Plan::Ask { is_said: true }) => "ask, said".to_owned(),
            Ok(Plan::Keep(life)) => match life.revalidate {
                None => "keep".to_owned(),
                Some(seconds) => format!("keep {seconds}"),
            },
            Err(FetchFault::OnlyCache) => "OnlyCache".to_owned(),
            Err(FetchFault::OnlyNoStore) => "OnlyNoStore".to_owned(),
        };
        assert_eq!(actual, expected, "{cache:?} {revalidate:?}");
    }
}
