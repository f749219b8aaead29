//! How often something is looked at that may fail, by many at once.

use std::time::Duration;

/// How often something is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The pause after a look that has succeeded.
    pub interval: Duration,
    /// The longest pause, however many looks have failed, unless the interval is longer.
    pub longest: Duration,
}

impl Pace {
    /// The pause before the next look, after so many `failures` in a row: twice as long after each.
    ///
    /// `chance` is from 0 to 1 and moves it by up to a tenth either way, so that those who began together do not stay together.
    #[must_use]
    pub fn pause(&self, failures: u32, chance: f64) -> Duration {
        let doubled = self.interval.saturating_mul(1 << failures.min(20));
        let pause = doubled.min(self.longest.max(self.interval));
        pause.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_with_each_failure_up_to_the_longest() {
        check(60, 0, 60);
        check(60, 1, 120);
        check(60, 3, 480);
        check(60, 4, 900);
        check(60, u32::MAX, 900);
        check(3600, 0, 3600);
        check(3600, 9, 3600);
    }

    #[test]
    fn chance_moves_a_pause_by_a_tenth() {
        for (chance, expected) in [(0.0, 90), (1.0, 110), (7.0, 110)] {
            let pause = pace(100).pause(0, chance).as_millis();
            assert_eq!(pause, expected * 1000, "{chance}");
        }
    }

    #[track_caller]
    fn check(interval: u64, failures: u32, expected: u64) {
        let pause = pace(interval).pause(failures, 0.5).as_millis();
        assert_eq!(pause, u128::from(expected) * 1000);
    }

    fn pace(interval: u64) -> Pace {
        Pace {
            interval: Duration::from_secs(interval),
            longest: Duration::from_secs(900),
        }
    }
}
