//! The program that the tests run: the same as `waystation`, built with them. Where a test says so, what is kept grows old by the test's
//! clock.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use waystation_tests::clock::VARIABLE;

static CLOCK: OnceLock<PathBuf> = OnceLock::new();

fn main() -> std::process::ExitCode {
    if let Some(file) = std::env::var_os(VARIABLE) {
        CLOCK.get_or_init(|| file.into());
        waystation_host::store::tell_time_by(now);
    }
    waystation_host::cli::main()
}

/// The time, as far ahead as the file says in milliseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.expect("the epoch is over").as_millis();
    let ahead = CLOCK.get().map(std::fs::read_to_string);
    let ahead = ahead.map_or(Ok(0), |text| text.unwrap_or_default().trim().parse::<u64>());
    u64::try_from(since).expect("some years are left") + ahead.expect("a number")
}
