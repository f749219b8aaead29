//! How a line of the log looks: ` GET /items/a 200 in 1.3 ms`, `warning: ..`, `guest: ..`.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as a person reads it: what kind it is, then its words.
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let kind = match (metadata.target(), *metadata.level()) {
            ("request", _) => " ",
            ("guest", Level::INFO) => "guest: ",
            (_, Level::ERROR) => "error: ",
            (_, Level::WARN) => "warning: ",
            (_, Level::INFO) => "info: ",
            (_, Level::DEBUG | Level::TRACE) => "debug: ",
        };
        writer.write_str(kind)?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
