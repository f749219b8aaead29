//! Whether a new release may stay, by how it answers at first.

use std::time::Duration;

/// How many answers a release gave, and how many of them said that it failed: 5xx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub answers: u64,
    /// Those that failed.
    pub failed: u64,
}

/// What a new release is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judge {
    /// How long it is watched.
    pub time: Duration,
    /// How many of a hundred answers may fail beyond what the old release's do.
    pub percent: u8,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(60),
            percent: 10,
        }
    }
}

/// What becomes of a new release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is still too early.
    Wait,
    /// It stays.
    Keep,
    /// The old one has to come back.
    RollBack,
}

/// Fewer answers are no evidence.
const LEAST: u64 = 10;

impl Judge {
    /// Judges a release `after` its first request could come, beside the one before it.
    ///
    /// A release that fails is told at once; one that is to stay has to answer for the whole time. An app that failed before does not keep
    /// its next release from being no better.
    #[must_use]
    pub fn judge(&self, new: Count, old: Count, after: Duration) -> Verdict {
        if LEAST <= new.answers && self.exceeds(new, old) {
            return Verdict::RollBack;
        }
        match after < self.time {
            true => Verdict::Wait,
            false => Verdict::Keep,
        }
    }

    /// Whether `new.failed / new.answers` is more than `old.failed / old.answers` and the allowance.
    fn exceeds(&self, new: Count, old: Count) -> bool {
        let answers = u128::from(old.answers.max(1));
        let (new_answers, percent) = (u128::from(new.answers), u128::from(self.percent));
        let allowed = new_answers * (u128::from(old.failed) * 100 + percent * answers);
        allowed < u128::from(new.failed) * 100 * answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_answers_well_stays_when_its_time_is_over() {
        check("0/0", "0/0", 59, Verdict::Wait);
        check("0/0", "0/0", 60, Verdict::Keep);
        check("0/1000", "0/1000", 1, Verdict::Wait);
        check("0/1000", "0/1000", 60, Verdict::Keep);
    }

    #[test]
    fn one_that_fails_goes_at_once() {
        check("10/10", "0/1000", 0, Verdict::RollBack);
        check("11/100", "0/1000", 1, Verdict::RollBack);
        check("10/100", "0/1000", 1, Verdict::Wait);
        check("2/10", "0/0", 1, Verdict::RollBack);
    }

    #[test]
    fn a_few_answers_are_no_evidence() {
        check("9/9", "0/1000", 1, Verdict::Wait);
        check("9/9", "0/1000", 60, Verdict::Keep);
    }

    #[test]
    fn an_app_that_failed_before_is_not_held_against_its_next_release() {
        check("500/1000", "500/1000", 1, Verdict::Wait);
        check("601/1000", "500/1000", 1, Verdict::RollBack);
        check("10/10", "10/10", 60, Verdict::Keep);
    }

    /// `"failed/answers"`.
    #[track_caller]
    fn check(new: &str, old: &str, seconds: u64, expected: Verdict) {
        let count = |text: &str| {
            let (failed, answers) = text.split_once('/').unwrap();
            Count {
                answers: answers.parse().unwrap(),
                failed: failed.parse().unwrap(),
            }
        };
        let after = Duration::from_secs(seconds);
        let verdict = Judge::default().judge(count(new), count(old), after);
        assert_eq!(verdict, expected);
    }
}
