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

/// Where a type is that the compiler may have something to say about.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) span: Span,
    /// The source row with carets below it, where the compiler does not know the token.
    pub(crate) drawn: Option<String>,
}

impl Place {
    pub(crate) fn at(span: Span) -> Self {
        Self { span, drawn: None }
    }

    pub(crate) fn draw(&mut self, file: &str, source: &str) {
        self.drawn = Some(draw(self.span, file, source));
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
    let drawn = draw(*span, file, source);
    let gutter = " ".repeat(span.start().line.to_string().len());
    format!("{message}\n{drawn}\n{gutter} |\n{gutter} = help: {help}")
}

/// A source row and the carets below it.
fn draw(span: Span, file: &str, source: &str) -> String {
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
        "{gutter}--> {file}:{line}:{column}\n{gutter} |\n{line} | {row}\n{gutter} | {:indent$}{}",
        "",
        "^".repeat(carets)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "use waystation::*;

pub const REVALIDATE: u32 = 60;

\tpub async fn GET(request: Request) -> Response {
    Response::text(\"é\")
}

async fn post<T>(
    _: T,
) {
}
";

    const EXPECTED: &str = "`REVALIDATE` has another type
 --> app/x/route.rs:3:23
  |
3 | pub const REVALIDATE: u32 = 60;
  |                       ^^^
  |
  = help: pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

error: `GET` is not called: handlers have lower-case names; name it `get`
 --> app/x/route.rs:5:15
  |
5 |     pub async fn GET(request: Request) -> Response {
  |                  ^^^
  |
  = help: pub async fn get(request: Request, context: Context<Params>) -> Result<Response>

error: `post` is private, so it is not called; make it `pub`
 --> app/x/route.rs:9:10
  |
9 | async fn post<T>(
  |          ^^^^
  |
  = help: pub async fn post(request: Request, context: Context<Params>) -> Result<Response>

error: a handler has no generic parameters: nothing could choose them
 --> app/x/route.rs:9:14
  |
9 | async fn post<T>(
  |              ^^^
  |
  = help: pub async fn post(request: Request, context: Context<Params>) -> Result<Response>";

    #[test]
    fn faults_are_drawn_as_the_compiler_would() {
        check(SOURCE, EXPECTED);
        check(
            "fn helper() {}",
            "this route has no handler\n --> app/x/route.rs\n  |\n  \
             = help: pub async fn get(request: Request, context: Context<Params>) -> Result<Response> { .. }",
        );
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let rendered = with_locations(|| {
            let parsed = syn::parse_file(source).unwrap();
            let faults =
                crate::check::module(&parsed.items, true, crate::method::Role::Route, None)
                    .unwrap_err();
            render(&faults, "app/x/route.rs", source)
        });
        assert_eq!(rendered, expected);
    }
}
