//! A fault of a route module, and how it is shown.
//!
//! The compiler knows the tokens of a module written in place and draws the source itself. For a file it knows none, so the source row
//! and the carets are drawn here, as the compiler would.

use proc_macro2::Span;

/// What is wrong, where, and what to write instead.
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) help: String,
    /// `None` for the module as a whole.
    pub(crate) span: Option<Span>,
}

impl Fault {
    pub(crate) fn at(span: Span, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            span: Some(span),
        }
    }

    /// The compiler's error, at `whole` if it concerns the module as a whole.
    pub(crate) fn into_error(self, whole: Span) -> syn::Error {
        syn::Error::new(
            self.span.unwrap_or(whole),
            format!("{}\n\nhelp: {}", self.message, self.help),
        )
    }
}

/// Runs `work` with tokens that know their line and column. They must not leave it.
pub(crate) fn with_locations<T>(work: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            proc_macro2::fallback::unforce();
        }
    }
    proc_macro2::fallback::force();
    let _restore = Restore;
    work()
}

/// All faults of a file as the compiler would print them, but for the first `error: `, which it adds.
pub(crate) fn render(faults: &[Fault], file: &str, source: &str) -> String {
    let rendered: Vec<_> = faults
        .iter()
        .map(|fault| one(fault, file, source))
        .collect();
    rendered.join("\n\nerror: ")
}

fn one(fault: &Fault, file: &str, source: &str) -> String {
    let Fault {
        message,
        help,
        span,
    } = fault;
    let Some(span) = span else {
        return format!("{message}\n --> {file}\n  |\n  = help: {help}");
    };
    let (start, end) = (span.start(), span.end());
    let row = source.lines().nth(start.line - 1).unwrap_or_default();
    let last = if end.line == start.line {
        end.column
    } else {
        row.chars().count()
    };
    let width = |columns: usize| {
        row.chars()
            .take(columns)
            .map(|c| if c == '\t' { 4 } else { 1 })
            .sum::<usize>()
    };
    let (indent, carets) = (
        width(start.column),
        (width(last) - width(start.column)).max(1),
    );
    let (line, column) = (start.line, start.column + 1);
    let gutter = " ".repeat(line.to_string().len());
    let row = row.replace('\t', "    ");
    format!(
        "{message}\n{gutter}--> {file}:{line}:{column}\n{gutter} |\n{line} | {row}\n{gutter} | {:indent$}{}\n{gutter} |\n{gutter} = help: {help}",
        "",
        "^".repeat(carets)
    )
}
