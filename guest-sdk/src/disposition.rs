//! Reads a part's `Content-Disposition`.
//!
//! In: the header's bytes, such as `form-data; name="photo"; filename="a.png"`. Out: the two parameters that a form uses, as browsers
//! write them: a quoted value ends at the next quote, and `%22`, `%0D` and `%0A` stand for what cannot be in one. `filename*` is left out,
//! as RFC 7578 asks.

use std::borrow::Cow;

/// What a form says of a part.
#[derive(Debug, PartialEq)]
pub(crate) struct Disposition {
    pub(crate) name: String,
    /// Also there if it is empty: a file field in which nothing was chosen.
    pub(crate) file_name: Option<String>,
}

impl Disposition {
    /// `None` if it is no `form-data`, has no name, or can be read in two ways.
    pub(crate) fn parse(header: &[u8]) -> Option<Self> {
        let header = String::from_utf8_lossy(header);
        let (kind, mut rest) = header.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return None;
        }
        let (mut name, mut file_name) = (None, None);
        while !rest.trim().is_empty() {
            let (key, value) = rest.split_once('=')?;
            let (value, after) = value_of(value.trim_start())?;
            let slot = match key.trim() {
                key if key.eq_ignore_ascii_case("name") => Some(&mut name),
                key if key.eq_ignore_ascii_case("filename") => Some(&mut file_name),
                _ => None,
            };
            if let Some(slot) = slot
                && slot.replace(unescaped(value)).is_some()
            {
                return None;
            }
            rest = after;
        }
        let name = name?;
        Some(Self { name, file_name })
    }
}

/// A parameter's value, and what comes after its semicolon.
fn value_of(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim_end(), after));
    };
    let (value, after) = quoted.split_once('"')?;
    match after.trim_start() {
        "" => Some((value, "")),
        after => Some((value, after.strip_prefix(';')?)),
    }
}

/// The value with the three characters that browsers escape. Other percent signs stand for themselves.
fn unescaped(value: &str) -> String {
    let mut value = Cow::Borrowed(value);
    for (escape, character) in [
        ("%22", "\""),
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%0d", "\r"),
        ("%0a", "\n"),
    ] {
        if value.contains(escape) {
            value = value.replace(escape, character).into();
        }
    }
    value.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_browsers_write_them() {
        check(r#"form-data; name="a""#, r#""a""#);
        check(
            r#"form-data; name="a b"; filename="c.png""#,
            r#""a b" "c.png""#,
        );
        check(r#"form-data; filename="c.png"; name="a""#, r#""a" "c.png""#);
        check(r#"form-data; name="a"; filename="""#, r#""a" """#);
        check(r#"form-data; name="é"; filename="你好""#, r#""é" "你好""#);
        check(r#"form-data; name="%22%0d%0A%41""#, r#""\"\r\n%41""#);
        check(r#"form-data; name="C:\""#, r#""C:\\""#);
    }

    #[test]
    fn other_ways_to_write_them_are_read_too() {
        check("form-data; name=a", r#""a""#);
        check("form-data;name=a ;filename = b.txt ", r#""a" "b.txt""#);
        check(r#"Form-Data; Name="a"; FileName="b";"#, r#""a" "b""#);
        check(r#"form-data; name="a"; filename*=UTF-8''b"#, r#""a""#);
        check("form-data; name=", r#""""#);
    }

    #[test]
    fn a_value_is_never_taken_for_a_parameter() {
        check(
            r#"form-data; filename="; name=x"; name="a""#,
            r#""a" "; name=x""#,
        );
        check(r#"form-data; name="filename=b""#, r#""filename=b""#);
        check(r#"form-data; surname="b"; name="a""#, r#""a""#);
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for header in [
            "",
            "form-data",
            "form-data; filename=a",
            r#"attachment; name="a""#,
            r#"form-data; name="a"#,
            r#"form-data; name="a"b"#,
            r#"form-data; name="a\"b""#,
            r#"form-data; name="a"; name="b""#,
            "form-data; name",
        ] {
            check(header, "none");
        }
    }

    #[track_caller]
    fn check(header: &str, expected: &str) {
        let actual = match Disposition::parse(header.as_bytes()) {
            None => "none".to_owned(),
            Some(Disposition { name, file_name }) => match file_name {
                None => format!("{name:?}"),
                Some(file_name) => format!("{name:?} {file_name:?}"),
            },
        };
        assert_eq!(actual, expected, "{header}");
    }
}
