//! What the operator and the developer get to see: the log, and a line per request in development.

mod line;
mod record;
mod request_id;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

pub use record::Record;
pub use request_id::RequestId;

/// Sends the log to standard error. `WAYSTATION_LOG` filters it, as `RUST_LOG` does elsewhere.
///
/// `shows_requests` adds a line per request, unless the filter says otherwise.
pub fn start_log(shows_requests: bool) {
    let default = match shows_requests {
        true => "warn,guest=info,request=info",
        false => "warn,guest=info",
    };
    let asked = std::env::var("WAYSTATION_LOG").unwrap_or_else(|_| default.to_owned());
    let filter = asked.parse::<EnvFilter>().unwrap_or_else(|error| {
        eprintln!("warning: WAYSTATION_LOG: {error}; it is `{default}` now");
        default.into()
    });
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(line::Line);
    if let Err(error) = log.try_init() {
        eprintln!("the log is set up already: {error}");
    }
}
