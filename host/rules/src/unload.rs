//! Decides whose code goes next, where more is in memory than may be.
//!
//! In: each piece of code that can be loaded again, with its app, its size, how long nobody has asked for it and whether an instance has it.
//! Out: which goes, if any may. What is old goes first, whosever it is. Else the app that has the most gives what nobody has asked for the
//! longest, unless it has no more than an equal share: so an app that asks for more than there is room for makes its own wait.

use std::cmp::Reverse;
use std::collections::HashMap;

/// In seconds. Code that nobody has asked for this long goes first.
pub const OLD: u32 = 300;

/// A piece of code in memory.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// Tells its app from others.
    pub app: usize,
    /// What it takes.
    pub bytes: usize,
    /// For how many seconds nobody has asked for it.
    pub idle: u32,
    /// Whether it would stay in memory all the same, as an instance has it.
    pub is_used: bool,
}

/// Which of these, the oldest first, goes next; none where all take no more than `limit` bytes, or nothing may go.
#[must_use]
pub fn next(all: &[Resident], limit: usize) -> Option<usize> {
    let mut apps = HashMap::<usize, usize>::new();
    for resident in all {
        *apps.entry(resident.app).or_default() += resident.bytes;
    }
    if apps.values().sum::<usize>() <= limit {
        return None;
    }
    let share = limit / apps.len();
    let spare = all.iter().enumerate().filter_map(|(at, resident)| {
        let (is_old, of_app) = (OLD <= resident.idle, apps[&resident.app]);
        let may_go = !resident.is_used && (is_old || share < of_app);
        may_go.then_some((Reverse((is_old, of_app, resident.idle)), at))
    });
    spare.min().map(|(_, at)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn idle(app: usize, bytes: usize, idle: u32) -> Resident {
        Resident {
            app,
            bytes,
            idle,
            is_used: false,
        }
    }

    const fn used(app: usize, bytes: usize) -> Resident {
        Resident {
            app,
            bytes,
            idle: 0,
            is_used: true,
        }
    }

    #[test]
    fn nothing_goes_while_there_is_room() {
        assert_eq!(next(&[], 100), None);
        assert_eq!(next(&[idle(1, 60, 999), idle(2, 40, 0)], 100), None);
    }

    #[test]
    fn what_nobody_has_asked_for_the_longest_goes_and_of_those_the_oldest() {
        let all = [idle(1, 40, 1), idle(1, 40, 5), idle(1, 40, 5)];
        assert_eq!(next(&all, 100), Some(1));
    }

    #[test]
    fn what_is_in_use_stays_even_beyond_the_limit() {
        assert_eq!(next(&[used(1, 60), idle(1, 60, 0)], 100), Some(1));
        assert_eq!(next(&[used(1, 60), used(1, 60)], 100), None);
    }

    #[test]
    fn the_app_that_has_the_most_gives() {
        let all = [idle(2, 30, 9), idle(1, 40, 2), idle(1, 40, 1)];
        assert_eq!(next(&all, 100), Some(1));
    }

    #[test]
    fn an_app_keeps_an_equal_share_beside_one_whose_code_is_in_use() {
        assert_eq!(next(&[idle(2, 30, 9), used(1, 60), used(1, 60)], 100), None);
        assert_eq!(next(&[idle(2, 51, 9), used(1, 60)], 100), Some(0));
    }

    #[test]
    fn what_is_old_goes_first_whosever_it_is() {
        let all = [idle(1, 90, 1), idle(2, 10, OLD), idle(3, 10, OLD - 1)];
        assert_eq!(next(&all, 100), Some(1));
    }
}
