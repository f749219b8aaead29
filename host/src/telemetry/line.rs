//! How a line of the log looks: ` GET /items/a 200 in 1.3 ms`, `warning: ..`, `guest: ..`.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Bytes of one event; a longer one is cut.
const LONGEST: usize = 8 << 10;

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
        let mut words = String::new();
        context
            .field_format()
            .format_fields(Writer::new(&mut words), event)?;
        writeln!(writer, "{kind}{}", entry(&words))
    }
}

/// The words of one event. Lines after the first are indented, so that text from outside cannot pass for an event of its own.
fn entry(words: &str) -> String {
    let end = words.floor_char_boundary(LONGEST);
    let cut = if end < words.len() { " ..." } else { "" };
    words[..end].trim_end().replace('\n', "\n    ") + cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_entry_whatever_it_says() {
        assert_eq!(entry("bad\nerror: forged\n"), "bad\n    error: forged");
        assert_eq!(entry(&"é".repeat(LONGEST)).len(), LONGEST + " ...".len());
    }
}
