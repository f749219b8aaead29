//! Which of two releases a client gets while a new one is tried with a part of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much of the clients get a new release: 1 to 100 of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no share of the requests; give 1 to 100 percent")]
pub struct PercentError(pub u8);

/// A release, of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that was active.
    Old,
    /// The one that is tried.
    New,
}

impl Percent {
    /// Everybody.
    pub const ALL: Self = Self(100);

    /// The side of a client.
    ///
    /// `key` names the client, and always has the same side; a greater share takes more keys over and gives none back. `release` names the
    /// new release, so that it is not the same clients each time who try what is new.
    #[must_use]
    pub fn side(self, release: &str, key: &[u8]) -> Side {
        let hash = fnv(fnv(OFFSET, release.as_bytes()), key);
        match mixed(hash) % 100 < u64::from(self.0) {
            true => Side::New,
            false => Side::Old,
        }
    }
}

impl TryFrom<u8> for Percent {
    type Error = PercentError;

    fn try_from(percent: u8) -> Result<Self, PercentError> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err(PercentError(percent)),
        }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> u8 {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} %", self.0)
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same on every node and in every version, which std's hashers do not promise. Whoever chooses a key only chooses a side.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().chain([&0xff]).fold(hash, step)
}

/// Spreads what differs in one bit over all (SplitMix64's last step): addresses next to each other are FNV's weak side.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_share_of_clients_is_the_one_that_was_asked_for() {
        for percent in [1, 10, 33, 50, 99] {
            let share = Percent(percent);
            let is_new = |key: &u32| share.side("release", &key.to_be_bytes()) == Side::New;
            let new = (0..100_000).filter(is_new).count();
            let off = new.abs_diff(usize::from(percent) * 1000);
            assert!(off < 1000, "{percent} %: {new} of 100000");
        }
    }

    #[test]
    fn everybody_gets_the_new_one_at_a_hundred() {
        let new = (0..1000_u32).all(|key| Percent::ALL.side("a", &key.to_be_bytes()) == Side::New);
        assert!(new);
    }

    #[test]
    fn other_clients_try_the_next_release() {
        let half = Percent(50);
        let differs =
            |key: &u32| half.side("a", &key.to_be_bytes()) != half.side("b", &key.to_be_bytes());
        let differ = (0..10_000).filter(differs).count();
        assert!((4500..5500).contains(&differ), "{differ}");
    }

    #[test]
    fn a_share_is_one_to_a_hundred() {
        assert_eq!(Percent::try_from(0), Err(PercentError(0)));
        assert_eq!(Percent::try_from(101), Err(PercentError(101)));
        assert_eq!(serde_json::from_str::<Percent>("10").unwrap(), Percent(10));
        assert!(serde_json::from_str::<Percent>("0").is_err());
    }

    proptest! {
        #[test]
        fn a_client_stays_on_its_side_and_a_greater_share_gives_none_back(
            key: Vec<u8>, less in 1_u8..=100, more in 1_u8..=100
        ) {
            let (less, more) = (less.min(more), less.max(more));
            let side = Percent(less).side("release", &key);
            prop_assert_eq!(side, Percent(less).side("release", &key));
            if side == Side::New {
                prop_assert_eq!(Percent(more).side("release", &key), Side::New);
            }
        }
    }
}
