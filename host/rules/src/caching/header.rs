//! The headers that say what a kept answer is (section 9.4; RFC 9111, 5.1; RFC 9211).

use std::borrow::Cow;

use super::{Life, State, Times, YEAR};

/// `Cache-Control` of what nobody may keep.
pub const NOT_KEPT: &str = "private, no-cache, no-store, max-age=0, must-revalidate";

/// Says how an answer came about, to clients and to handlers that fetch.
pub const CACHE_HEADER: &str = "x-waystation-cache";

/// How an answer came about, as [`CACHE_HEADER`] says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// It was made for this request, and is kept.
    Miss,
    /// It was kept, and is fresh.
    Hit,
    /// It was kept, and is made anew meanwhile.
    Stale,
}

impl Served {
    /// As the header has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "MISS",
            Self::Hit => "HIT",
            Self::Stale => "STALE",
        }
    }

    /// Of what was kept.
    #[must_use]
    pub const fn of(state: State) -> Self {
        match state {
            State::Fresh => Self::Hit,
            State::Stale => Self::Stale,
            State::Expired => Self::Miss,
        }
    }
}

/// `Cache-Control` of a kept answer, for caches in front: how long it is fresh, and how long it may be sent after that.
#[must_use]
pub fn cache_control(life: Life) -> String {
    let Some(revalidate) = life.revalidate else {
        return format!("s-maxage={}", life.expire.unwrap_or(YEAR));
    };
    let revalidate = revalidate.min(life.expire.unwrap_or(YEAR));
    let rest = life.expire.unwrap_or(YEAR).saturating_sub(revalidate);
    match rest {
        0 => format!("s-maxage={revalidate}"),
        rest => format!("s-maxage={revalidate}, stale-while-revalidate={rest}"),
    }
}

/// `Age`: seconds since it was made.
#[must_use]
pub fn age(times: &Times, now: u64) -> u64 {
    now.saturating_sub(times.stored) / 1000
}

/// How long it is fresh yet, in seconds: less than 0 for what is stale. None for ever.
#[must_use]
pub fn fresh_for(times: &Times, now: u64) -> Option<i64> {
    let left = (i128::from(times.fresh_until?) - i128::from(now)).div_euclid(1000);
    Some(i64::try_from(left).unwrap_or(i64::MAX))
}

/// `Cache-Status`: whether it was kept, and how long it is fresh yet.
#[must_use]
pub fn cache_status(served: Served, times: &Times, now: u64) -> Cow<'static, str> {
    let how = match served {
        Served::Miss => "waystation; fwd=miss; stored",
        Served::Hit | Served::Stale => "waystation; hit",
    };
    match fresh_for(times, now) {
        None => Cow::Borrowed(how),
        Some(left) => Cow::Owned([how, "; ttl=", itoa::Buffer::new().format(left)].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Revalidate;

    #[test]
    fn how_long_it_may_be_kept_is_said_as_next_says_it() {
        let line = |revalidate, expire| cache_control(Life { revalidate, expire });
        assert_eq!(line(None, None), "s-maxage=31536000");
        let second = cache_control(Life::of(Revalidate::Seconds(1), YEAR));
        assert_eq!(second, "s-maxage=1, stale-while-revalidate=31535999"); // I1
        assert_eq!(
            line(Some(60), Some(3600)),
            "s-maxage=60, stale-while-revalidate=3540"
        );
        assert_eq!(line(Some(60), Some(60)), "s-maxage=60");
        assert_eq!(line(Some(3600), Some(60)), "s-maxage=60");
        assert_eq!(line(None, Some(60)), "s-maxage=60");
    }

    #[test]
    fn a_cache_in_front_learns_what_this_one_did() {
        let life = Life {
            revalidate: Some(60),
            expire: None,
        };
        let times = life.times(0, 1000);
        let line = |served, now| cache_status(served, &times, now);
        assert_eq!(
            line(Served::Miss, 1000),
            "waystation; fwd=miss; stored; ttl=60"
        );
        assert_eq!(line(Served::Hit, 11_000), "waystation; hit; ttl=50");
        assert_eq!(line(Served::Stale, 64_000), "waystation; hit; ttl=-3");
        assert_eq!(age(&times, 64_000), 63);
        let forever = Life::default().times(0, 0);
        assert_eq!(cache_status(Served::Hit, &forever, 5), "waystation; hit");
    }
}
