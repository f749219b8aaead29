//! Decides who may have the next place for an instance, and memory for it, where several apps share them.
//!
//! In: how much an app has, how much is free, and whether others could want it. Out: whether it may have that, or one more.
//!
//! Nobody is asked to give a place back before its request is over, and that can be minutes. So an app never takes the last places from the
//! others, however many requests it has: what it has is at most [`GREED`] times of what it leaves. Of a thousand places, one app takes some
//! 800, a second one some 160 of the rest, and so on; an app that has none gets one as long as there is any.

/// How many times of what is free an app may have.
pub const GREED: usize = 4;

/// Whether an app that has `own` places may have one more of those that are `free`.
#[must_use]
pub fn may_take(own: usize, free: usize, is_shared: bool) -> bool {
    match free {
        0 => false,
        _ if own == 0 => true,
        free => may_have(own + 1, free - 1, is_shared),
    }
}

/// Whether an app may have `own` of what can be divided at will, such as bytes, if `free` are left then: both count what it asks for now.
#[must_use]
pub fn may_have(own: usize, free: usize, is_shared: bool) -> bool {
    !is_shared || own <= GREED.saturating_mul(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_with_nobody_takes_all() {
        check(1000, &[1000], "1000");
    }

    #[test]
    fn who_comes_later_finds_places() {
        check(1000, &[5000, 5000], "800 160");
        check(1000, &[5000, 5000, 5000, 2], "800 160 32 2");
        check(4, &[9, 9], "3 1");
        check(2, &[9, 9], "1 1");
    }

    #[test]
    fn of_what_can_be_divided_each_leaves_a_part() {
        for (own, free, may) in [
            (800, 200, true),
            (801, 199, false),
            (1, 0, false),
            (0, 0, true),
        ] {
            assert_eq!(may_have(own, free, true), may, "{own} {free}");
            assert!(may_have(own, free, false), "alone");
        }
    }

    #[test]
    fn who_asks_for_little_takes_nothing_from_others() {
        check(1000, &[10, 700, 10], "10 700 10");
    }

    /// Has apps take places one after the other, as many as they want and may.
    #[track_caller]
    fn check(places: usize, wanted: &[usize], expected: &str) {
        let mut free = places;
        let is_shared = 1 < wanted.len();
        let taken = wanted.iter().map(|wanted| {
            let mut own = 0;
            while own < *wanted && may_take(own, free, is_shared) {
                (own, free) = (own + 1, free - 1);
            }
            own.to_string()
        });
        assert_eq!(taken.collect::<Vec<_>>().join(" "), expected);
    }
}
