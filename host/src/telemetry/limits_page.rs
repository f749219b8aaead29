//! Holds `host/LIMITS.md` to the code. Each room compares the limits that are its own.

use std::time::Duration;

use waystation_rules::segment::{LONGEST_RUN, Limits};

use super::Stop;

const PAGE: &str = include_str!("../../LIMITS.md");

/// Compares the row of a limit that is counted in nothing, or in bytes.
#[track_caller]
pub(crate) fn says(limit: &str, value: u64) {
    let rows: Vec<_> = rows().filter(|row| row[0] == limit).collect();
    assert!(!rows.is_empty(), "host/LIMITS.md has no row `{limit}`");
    for row in rows {
        assert_eq!(number(row[2]), Some(value), "host/LIMITS.md: {row:?}");
    }
}

/// Compares the row of a time.
#[track_caller]
pub(crate) fn says_time(limit: &str, time: Duration) {
    says(limit, u64::try_from(time.as_millis()).unwrap());
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| row.trim_end_matches(" |").split(" | ").collect())
}

/// `16 MiB` in bytes, `30 s` in milliseconds.
fn number(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    Some(digits.replace(',', "").parse::<u64>().ok()? * unit)
}

#[test]
fn each_key_of_the_operator_s_has_its_row_and_no_other() {
    let listed = Limits::default().listed();
    for (key, value) in listed {
        let unit = match key {
            "max_duration" | "stream_duration" => 1_000,
            "memory_mb" => 1 << 20,
            _ => 1,
        };
        says(&format!("`{key}`"), value * unit);
    }
    let keys = rows().filter_map(|row| row[0].strip_prefix('`')?.strip_suffix('`'));
    for key in keys {
        assert!(listed.iter().any(|(listed, _)| *listed == key), "{key}");
    }
    says_time("longest run", LONGEST_RUN);
}

#[test]
fn each_limit_has_the_name_that_is_counted_and_no_other() {
    let limits = Stop::ALL.into_iter().filter(|stop| stop.is_limit());
    let limits: Vec<_> = limits.map(Stop::as_str).collect();
    let named = rows().filter_map(|row| row.last()?.strip_prefix('`')?.strip_suffix('`'));
    let named: Vec<_> = named.collect();
    for limit in &limits {
        assert!(named.contains(limit), "host/LIMITS.md lacks `{limit}`");
    }
    for name in named {
        assert!(limits.contains(&name), "nothing is counted as `{name}`");
    }
}

#[test]
fn a_row_is_read_with_its_unit() {
    let told = ["16 MiB", "64 KiB", "30 s", "1,000 ms", "1,000", "few"].map(number);
    assert_eq!(
        told,
        [
            Some(16 << 20),
            Some(64 << 10),
            Some(30_000),
            Some(1_000),
            Some(1_000),
            None
        ]
    );
}
