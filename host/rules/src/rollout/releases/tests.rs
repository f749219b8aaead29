use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

#[test]
fn a_release_is_staged_and_then_active() {
    check("stage 1", "- | | | 1");
    check("stage 1, activate 1", "1 | | |");
    check("stage 1, stage 2, activate 1, activate 2", "2 | 1 | |");
    check("stage 1, stage 1", "- | | | 1");
    check("stage 1, activate 1, stage 1", "1 | | |");
    check("activate 1", "Unknown");
}

#[test]
fn the_active_one_may_be_activated_again() {
    check("stage 1, activate 1, activate 1", "1 | | |");
    check(
        "stage 1, stage 2, activate 1, activate 2, activate 1",
        "1 | 2 | |",
    );
}

#[test]
fn going_back_goes_back_one_at_a_time() {
    let three = "stage 1, stage 2, stage 3, activate 1, activate 2, activate 3";
    check(three, "3 | 2 1 | |");
    check(&format!("{three}, back"), "2 | 1 | | 3");
    check(&format!("{three}, back, back"), "1 | | | 2 3");
    check(&format!("{three}, back, back, back"), "NoPrevious");
    check(&format!("{three}, back 1"), "1 | | | 3 2");
    check(&format!("{three}, back 3"), "IsActive");
    check(&format!("{three}, back 4"), "Unknown");
    check(&format!("{three}, back, back 3"), "3 | 1 | | 2");
}

#[test]
fn a_part_of_the_clients_tries_a_release() {
    let one = "stage 1, activate 1, stage 2";
    check(&format!("{one}, try 2"), "1 | | 2 |");
    check(&format!("{one}, try 2, promote"), "2 | 1 | |");
    check(&format!("{one}, try 2, back"), "1 | | | 2");
    check(&format!("{one}, try 2, back 1"), "1 | | | 2");
    check(&format!("{one}, try 2, stage 3, try 3"), "1 | | 3 | 2");
    check(&format!("{one}, try 2, stage 3, activate 3"), "3 | 1 | | 2");
    check(&format!("{one}, try 1"), "IsActive");
    check(&format!("{one}, promote"), "NoCanary");
    check("stage 1, try 1", "NoActive");
    check("back", "NoPrevious");
}

#[test]
fn a_first_activation_is_taken_back() {
    check("stage 1, activate 1, withdraw", "- | | | 1");
}

#[test]
fn only_the_last_are_kept() {
    let many = "stage 1, stage 2, stage 3, activate 1, activate 2, activate 3, stage 4, stage 5, stage 6, try 4";
    check(&format!("{many}, collect 1"), "3 | 2 | 4 | 6");
    check(&format!("{many}, collect 0"), "3 | | 4 |");
}

proptest! {
    #[test]
    fn each_release_stands_in_one_place_and_an_active_one_stays(steps in proptest::collection::vec((0_u8..5, 0_u8..4), 0..40)) {
        let mut releases = Releases::default();
        for (step, release) in steps {
            let stepped = match step {
                0 => Ok(releases.stage(&release)),
                1 => releases.activate(&release),
                2 => releases.try_with(&release, Percent::ALL),
                3 => releases.roll_back(None),
                _ => releases.roll_back(Some(&release)),
            };
            let had_active = releases.active.is_some();
            releases = stepped.unwrap_or(releases);
            prop_assert_eq!(had_active && releases.active.is_none(), false);
            let mut all: Vec<_> = releases.all().collect();
            let count = all.len();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), count);
        }
    }
}

/// Active, previous, canary and staged after some steps, or why the last one cannot be taken.
#[track_caller]
fn check(steps: &str, expected: &str) {
    let mut releases = Releases::<String>::default();
    let mut steps = steps.split(", ").peekable();
    while let Some(step) = steps.next() {
        match taken(&releases, step) {
            Ok(next) => releases = next,
            Err(error) => {
                assert_eq!(format!("{error:?}"), expected);
                assert_eq!(steps.peek(), None);
                return;
            }
        }
    }
    let mut text = releases.active.as_deref().unwrap_or("-").to_owned();
    let canary = releases.canary.iter().map(|canary| canary.release.clone());
    for list in [
        releases.previous.clone(),
        canary.collect(),
        releases.staged.clone(),
    ] {
        write!(text, " | {}", list.join(" ")).unwrap();
    }
    assert_eq!(text.replace("  ", " ").trim_end(), expected);
}

fn taken(releases: &Releases<String>, step: &str) -> Result<Releases<String>, StepError> {
    let (step, release) = step.split_once(' ').unwrap_or((step, ""));
    let release = release.to_owned();
    match step {
        "stage" => Ok(releases.stage(&release)),
        "activate" => releases.activate(&release),
        "try" => releases.try_with(&release, Percent::ALL),
        "promote" => releases.promote(),
        "withdraw" => Ok(releases.withdrawn()),
        "collect" => Ok(releases.collected(release.parse().unwrap())),
        _ if release.is_empty() => releases.roll_back(None),
        _ => releases.roll_back(Some(&release)),
    }
}
