//! The log for programs: a JSON object a line, whatever an event says.
//!
//! Text from outside is a value and nothing else: it is cut to a length, and what could end a line or drive a terminal is escaped, more of it
//! than JSON asks for (threat model, 6.5). Of a request's headers only the user agent is ever told.

use std::fmt::{self, Debug};
use std::io;

use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::ser::{CompactFormatter, Formatter};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as a JSON object on a line of its own.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let line = line(&time, event).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

fn line(time: &str, event: &Event<'_>) -> serde_json::Result<String> {
    let mut line = Vec::new();
    let mut json = serde_json::Serializer::with_formatter(&mut line, Plain(CompactFormatter));
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("time", time)?;
    map.serialize_entry("level", &event.metadata().level().as_str().to_lowercase())?;
    map.serialize_entry("kind", kind(event.metadata().target()))?;
    let mut fields = Fields { map, wrong: Ok(()) };
    event.record(&mut fields);
    fields.wrong?;
    fields.map.end()?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Who speaks: a request's end (`access`), a `guest`, or the host.
fn kind(target: &str) -> &str {
    match target {
        "access" | "guest" => target,
        _ => "host",
    }
}

/// The most bytes of a field.
fn longest(field: &str) -> usize {
    match field {
        "agent" => 256,
        "method" => 32,
        "path" => 2 << 10,
        _ => 8 << 10,
    }
}

/// The fields of an event on their way into an object.
struct Fields<M: SerializeMap> {
    map: M,
    wrong: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn put(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        if self.wrong.is_ok() {
            self.wrong = self.map.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let end = value.floor_char_boundary(longest(field.name()));
        match end < value.len() {
            true => self.put(field, &format!("{}...", &value[..end])),
            false => self.put(field, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }
}

/// Escapes what JSON leaves as it is and a reader may not: DEL, the second set of control characters, and Unicode's ends of lines.
struct Plain(CompactFormatter);

impl Formatter for Plain {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let is_escaped = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}');
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_escaped(*c)) {
            self.0.write_string_fragment(writer, &rest[..at])?;
            write!(writer, "\\u{:04x}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_one_line_that_can_be_read(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            text in "\\PC*|[\u{0}-\u{a0}\u{2028}\u{2029}\u{1b}\"\\\\]{0,80}",
        ) {
            let lossy = String::from_utf8_lossy(&bytes);
            for said in [&*lossy, &text] {
                let line = logged(|| {
                    tracing::info!(target: "access", path = said, agent = %said, "{said}");
                });
                let (line, rest) = line.split_once('\n').unwrap();
                prop_assert_eq!(rest, "");
                let is_plain = |c: char| !c.is_control() && c != '\u{2028}' && c != '\u{2029}';
                prop_assert!(line.chars().all(is_plain), "{}", line);
                let json: Value = serde_json::from_str(line).unwrap();
                prop_assert_eq!(&json["path"], said);
                prop_assert_eq!(&json["message"], said);
                prop_assert_eq!(&json["kind"], "access");
            }
        }
    }

    #[test]
    fn a_guest_cannot_pass_for_the_host() {
        let forged = "\"}\n{\"kind\":\"host\",\"level\":\"error\"";
        let line = logged(|| tracing::info!(target: "guest", route = "/a", "{forged}"));
        assert_eq!(line.lines().count(), 1);
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&json["kind"], &json["level"]),
            (&"guest".into(), &"info".into())
        );
        assert_eq!(json["message"], forged);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let long = "é".repeat(1 << 20);
        let line = logged(
            || tracing::warn!(target: "waystation_host::x", agent = long, path = long, status = 200_u64, "{long}"),
        );
        let json: Value = serde_json::from_str(&line).unwrap();
        let length = |field: &str| json[field].as_str().unwrap().len();
        assert_eq!(
            (length("agent"), length("path"), length("message")),
            (259, 2051, 8195)
        );
        assert_eq!(
            (&json["kind"], &json["status"]),
            (&"host".into(), &200.into())
        );
    }

    /// What comes out of an event.
    fn logged(event: impl FnOnce()) -> String {
        let out = Out::default();
        let log = tracing_subscriber::fmt()
            .with_writer(out.clone())
            .event_format(Json)
            .finish();
        tracing::subscriber::with_default(log, event);
        let bytes = out.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Out(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Out {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }
}
