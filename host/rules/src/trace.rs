//! Reads `traceparent`, by which proxies and servers tell that their requests belong together (W3C Trace Context).
//!
//! In: the header's lines. Out: the trace's name, if it is one. Whether its sender is to be believed is decided in [`forwarded`](crate::forwarded).

use std::fmt;

/// Names a trace: 32 hexadecimal digits, not all of them 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// A trace of its own for these random bits.
    #[must_use]
    pub fn of(bits: [u64; 2]) -> Self {
        Self(
            (u128::from(bits[0]) << 64 | u128::from(bits[1]))
                .max(1)
                .to_be_bytes(),
        )
    }

    /// The trace that the only line names; none for what is no `traceparent`, or more than one.
    #[must_use]
    pub fn parse(lines: &[&[u8]]) -> Option<Self> {
        let [line] = lines else { return None };
        let mut fields = line.split(|byte| *byte == b'-');
        let [version, trace, parent, flags] = [2, 32, 16, 2].map(|length| {
            let field = fields.next()?;
            (field.len() == length && field.iter().all(is_digit)).then_some(field)
        });
        let (version, trace, _) = (version?, trace?, flags?);
        // A version that is not known yet may say more after these four; ff is none.
        let is_over = version != b"00" || fields.next().is_none();
        let is_zero = |field: &[u8]| field.iter().all(|digit| *digit == b'0');
        if version == b"ff" || !is_over || is_zero(trace) || is_zero(parent?) {
            return None;
        }
        let digits = std::str::from_utf8(trace).ok()?;
        Some(Self(u128::from_str_radix(digits, 16).ok()?.to_be_bytes()))
    }
}

fn is_digit(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_read_as_its_proxy_wrote_it() {
        check(&[&format!("00-{TRACE}-00f067aa0ba902b7-01")], TRACE);
        check(&[&format!("cc-{TRACE}-00f067aa0ba902b7-01-more")], TRACE);
    }

    #[test]
    fn what_is_no_trace_names_none() {
        check(&[], "none");
        let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
        check(&[&good, &good], "none");
        check(&[&format!("{good}-more")], "none");
        check(&[&good[..54]], "none");
        check(&[&good.to_uppercase()], "none");
        check(&[&good.replacen("00", "ff", 1)], "none");
        check(&[&good.replace(TRACE, &"0".repeat(32))], "none");
        check(
            &[&good.replace("00f067aa0ba902b7", &"0".repeat(16))],
            "none",
        );
        check(&[&good.replace('4', "+")], "none");
    }

    #[test]
    fn a_trace_of_its_own_is_never_all_zeros() {
        assert_eq!(TraceId::of([0, 0]).to_string(), format!("{:0>32}", 1));
        assert_eq!(
            TraceId::of([1, 2]).to_string(),
            format!("{:016x}{:016x}", 1, 2)
        );
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let trace = TraceId::parse(&lines);
        let shown = trace.map_or("none".to_owned(), |trace| trace.to_string());
        assert_eq!(shown, expected);
    }
}
