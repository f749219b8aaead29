//! What the operator and the developer get to see: the log, with a line per request in development or for programs, and what is counted.

mod counted;
mod counts;
mod json;
#[cfg(test)]
pub(crate) mod limits_page;
mod line;
mod metrics;
mod record;
mod request_id;
mod writer;

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

pub use counts::{AppCounts, Asked, Retired, RouteCounts, Stop};
pub use metrics::{CONTENT_TYPE, LoadedCode, Snapshot, metrics};
pub use record::Record;
pub use request_id::RequestId;

/// Who reads the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A person.
    #[default]
    Text,
    /// A program: a JSON object a line, one for each request among them.
    Json,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// By whoever tells it, in order with what else is printed.
    AtOnce,
    /// By a thread of its own: where requests are served nobody waits for who reads the log. Lines that it has no room for are dropped.
    Apart,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// Who reads this process's log.
pub fn format() -> Format {
    FORMAT.get().copied().unwrap_or_default()
}

/// Sends the log to standard error. `WAYSTATION_LOG` filters it, as `RUST_LOG` does elsewhere.
///
/// `shows_requests` adds a line per request for a person, unless the filter says otherwise.
pub fn start_log(format: Format, shows_requests: bool, writing: Writing) {
    FORMAT.get_or_init(|| format);
    if writing == Writing::Apart {
        writer::begin();
    }
    let default = match (format, shows_requests) {
        (Format::Json, _) => "warn,guest=info,host=info,access=info",
        (Format::Text, true) => "warn,guest=info,host=info,request=info",
        (Format::Text, false) => "warn,guest=info,host=info",
    };
    let asked = std::env::var("WAYSTATION_LOG").unwrap_or_else(|_| default.to_owned());
    let (filter, fault) = match asked.parse::<EnvFilter>() {
        Ok(filter) => (filter, None),
        Err(fault) => (default.into(), Some(fault)),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| writer::Line)
        .with_ansi(format == Format::Text && std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => log.event_format(line::Line).try_init(),
        Format::Json => log.event_format(json::Json).try_init(),
    };
    if let Err(error) = started {
        eprintln!("the log is set up already: {error}");
    }
    if format == Format::Json {
        std::panic::set_hook(Box::new(|panic| {
            writer::at_once(|| tracing::error!("{panic}"));
        }));
    }
    if let Some(fault) = fault {
        tracing::warn!("WAYSTATION_LOG: {fault}; it is `{default}` now");
    }
}

/// Writes a whole line to where the log goes, as the log is written.
pub fn write_line(line: &[u8]) {
    let _nobody_could_be_told = writer::Line.write_all(line);
}

/// Writes what is still to be written, for a second at most if nobody reads it.
pub fn finish_log() {
    writer::end();
}
