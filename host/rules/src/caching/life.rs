//! How long something is kept.

use serde::{Deserialize, Serialize};

use super::Lapse;
use crate::segment::Revalidate;

/// Seconds in a year: how long "for ever" is in a header, and Next's default `expireTime`.
pub const YEAR: u32 = 31_536_000;

/// How long something is fresh, and how long it may be sent after that. Seconds; none for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Until it is stale: sent once more while it is made anew.
    pub revalidate: Option<u32>,
    /// Until it is expired: a request waits for a new one.
    pub expire: Option<u32>,
}

/// When something was made, and until when it is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When making it began: what it was made from is not newer.
    pub began: u64,
    /// When it was there.
    pub stored: u64,
    /// When it becomes stale; none for never.
    pub fresh_until: Option<u64>,
    /// When it expires; none for never.
    pub stale_until: Option<u64>,
    /// After it could not be made anew: not before this is it tried again (row I6).
    pub retry_at: Option<u64>,
}

/// What something kept is good for, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is sent (row I2).
    Fresh,
    /// It is sent, and made anew behind it (row I3).
    Stale,
    /// It is not sent (row I5).
    Expired,
}

impl Life {
    /// What a route's `REVALIDATE` comes to; a route that does not say is kept until it is invalidated.
    #[must_use]
    pub fn of(revalidate: Revalidate, expire_time: u32) -> Self {
        match revalidate {
            Revalidate::Seconds(seconds) => Self {
                revalidate: Some(seconds),
                expire: Some(expire_time.max(seconds)),
            },
            Revalidate::Never | Revalidate::Unset => Self::default(),
        }
    }

    /// The shorter of both in each respect (row CC6).
    #[must_use]
    pub fn shortest(self, other: Self) -> Self {
        let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        Self {
            revalidate: least(self.revalidate, other.revalidate),
            expire: least(self.expire, other.expire),
        }
    }

    /// The times of what was begun and is there now.
    #[must_use]
    pub fn times(self, began: u64, now: u64) -> Times {
        let after = |seconds: u32| now.saturating_add(u64::from(seconds) * 1000);
        Times {
            began,
            stored: now,
            fresh_until: self.revalidate.map(after),
            stale_until: self.expire.map(after),
            retry_at: None,
        }
    }

    /// How long to wait after a failure before trying again: 3 to 30 s (row I6).
    #[must_use]
    pub fn retry(self) -> u32 {
        self.revalidate.unwrap_or(3).clamp(3, 30)
    }
}

impl Times {
    /// What it is good for, given what became of its tags.
    #[must_use]
    pub fn state(&self, lapse: &Lapse, now: u64) -> State {
        let is_past = |at: Option<u64>| at.is_some_and(|at| at <= now);
        if is_past(self.stale_until) || lapse.has_expired(self.began, now) {
            State::Expired
        } else if is_past(self.fresh_until) || lapse.is_stale(self.began) {
            State::Stale
        } else {
            State::Fresh
        }
    }

    /// Whether a new one may be made now, as far as failures before go.
    #[must_use]
    pub fn may_refresh(&self, now: u64) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// The same after it could not be made anew (row I6): it is tried again later, and expires as if it had been made now.
    #[must_use]
    pub fn failed(self, life: Life, now: u64) -> Self {
        let expires = life.expire.unwrap_or(0).max(life.retry() + 3);
        let expires = now + u64::from(expires) * 1000;
        Self {
            retry_at: Some(now + u64::from(life.retry()) * 1000),
            stale_until: self.stale_until.map(|until| until.max(expires)),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caching::Lapsing;

    #[test]
    fn it_is_fresh_then_stale_then_expired() {
        let times = Life {
            revalidate: Some(1),
            expire: Some(10),
        }
        .times(0, 1000);
        let at = |now| times.state(&Lapse::default(), now);
        assert_eq!([at(1000), at(1999)], [State::Fresh; 2]); // I2
        assert_eq!([at(2000), at(10_999)], [State::Stale; 2]); // I3
        assert_eq!(at(11_000), State::Expired); // I5
        let forever = Life::of(Revalidate::Never, YEAR).times(0, 0);
        assert_eq!(forever.state(&Lapse::default(), u64::MAX), State::Fresh);
    }

    #[test]
    fn what_was_begun_before_its_tag_lapsed_is_not_fresh() {
        let mut lapse = Lapse::default();
        lapse.add(Lapsing::Stale, 500);
        let at = |began| Life::default().times(began, 900).state(&lapse, 900);
        assert_eq!(
            [at(400), at(500), at(501)],
            [State::Stale, State::Stale, State::Fresh]
        );
    }

    #[test]
    fn a_failure_is_tried_again_after_3_to_30_seconds() {
        for (revalidate, wait) in [(None, 3), (Some(1), 3), (Some(9), 9), (Some(600), 30)] {
            let life = Life {
                revalidate,
                expire: None,
            };
            let times = life.times(0, 0).failed(life, 1000); // I6
            assert!(!times.may_refresh(wait * 1000 + 999));
            assert!(times.may_refresh(wait * 1000 + 1000));
        }
    }

    #[test]
    fn what_cannot_be_made_anew_stays_beyond_its_time() {
        let life = Life {
            revalidate: Some(1),
            expire: Some(60),
        };
        let lapse = Lapse::default();
        let mut times = life.times(0, 0);
        for now in [50_000, 100_000, 150_000] {
            assert_eq!(times.state(&lapse, now), State::Stale);
            times = times.failed(life, now); // I6
        }
        assert_eq!(times.state(&lapse, 209_999), State::Stale);
        assert_eq!(times.state(&lapse, 210_000), State::Expired);
    }

    #[test]
    fn the_shortest_life_counts() {
        let short = Life {
            revalidate: Some(5),
            expire: None,
        };
        let soon = Life {
            revalidate: None,
            expire: Some(60),
        };
        let both = Life {
            revalidate: Some(5),
            expire: Some(60),
        };
        assert_eq!(short.shortest(soon), both); // CC6
        assert_eq!(Life::default().shortest(Life::default()), Life::default());
    }
}
