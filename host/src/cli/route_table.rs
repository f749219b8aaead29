//! The route table of a build, in the shape of Next's (rows CL6 to CL8).

use anstream::eprintln;
use owo_colors::OwoColorize as _;
use waystation_rules::caching::Life;

use crate::project::files::FileKind;
use crate::project::manifest::{File, Manifest, Route};

/// Answers of a route that are shown one by one.
const SHOWN: usize = 3;

/// A row.
struct Row<'a> {
    symbol: &'a str,
    pattern: &'a str,
    bytes: u64,
    life: Option<Life>,
    methods: String,
    /// The paths whose answers were made.
    paths: Vec<&'a str>,
}

/// Shows routes and metadata files, but for `/favicon.ico`, and proxies.
pub(super) fn show(manifest: &Manifest) {
    let is_shown = |file: &&File| file.kind == FileKind::Metadata && file.pattern != "/favicon.ico";
    let files = manifest.files.iter().filter(is_shown).map(|file| Row {
        symbol: "○",
        pattern: &file.pattern,
        bytes: file.blob.bytes,
        life: None,
        methods: "GET".to_owned(),
        paths: Vec::new(),
    });
    let mut rows: Vec<_> = manifest.routes.iter().map(row).chain(files).collect();
    rows.sort_by_key(|row| row.pattern);
    let paths = rows.iter().flat_map(|row| row.paths.iter().take(SHOWN));
    let names = rows.iter().map(|row| row.pattern.chars().count());
    let names = names.chain(paths.map(|path| path.chars().count() + 2));
    let width = names.max().unwrap_or(0).max(20);
    let lives = rows.iter().any(|row| row.life.is_some());

    eprintln!();
    let columns = if lives { "  Revalidate  Expire" } else { "" };
    let head = format!(
        "{:<1$}      Size{columns}  Methods",
        "Route (app)",
        width + 4
    );
    eprintln!("{}", head.bold());
    let last = rows.len().saturating_sub(1);
    for (index, row) in rows.iter().enumerate() {
        let (corner, rail) = match index {
            _ if last == 0 => ("─", " "),
            0 => ("┌", "│"),
            _ if index == last => ("└", " "),
            _ => ("├", "│"),
        };
        let size = format!("{} kB", row.bytes.div_ceil(1000));
        let columns = if lives {
            columns_of(row.life)
        } else {
            String::new()
        };
        let (symbol, pattern, methods) = (row.symbol, row.pattern, row.methods.dimmed());
        eprintln!("{corner} {symbol} {pattern:<width$} {size:>9}{columns}  {methods}");
        for path in row.paths.iter().take(SHOWN) {
            eprintln!("{rail}   ├ {path}");
        }
        if let Some(more @ 1..) = row.paths.len().checked_sub(SHOWN) {
            eprintln!("{rail}   └ [+{more} more paths]");
        }
    }
    for proxy in &manifest.proxies {
        let size = format!("{} kB", proxy.component.bytes.div_ceil(1000));
        let sources = proxy.config.matcher.iter().flatten();
        let sources: Vec<_> = sources.map(|matcher| matcher.source.as_str()).collect();
        let (name, width) = (format!("Proxy {}", proxy.file), width + 2);
        eprintln!(
            "\nƒ {name:<width$} {size:>9}  {}",
            sources.join(" ").dimmed()
        );
    }
    legend(&rows);
}

fn row(route: &Route) -> Row<'_> {
    let is_dynamic = route.pattern.contains('[');
    let symbol = match (&route.kept, is_dynamic) {
        (None, _) => "ƒ",
        (Some(_), false) => "○",
        (Some(_), true) => "●",
    };
    let kept = route.kept.iter().flatten();
    let methods = route.methods.iter().map(|method| method.as_str());
    Row {
        symbol,
        pattern: &route.pattern,
        bytes: route.component.bytes,
        life: kept.clone().next().map(|answer| answer.life),
        methods: methods.collect::<Vec<_>>().join(" "),
        paths: match is_dynamic {
            true => kept.map(|answer| answer.path.as_str()).collect(),
            false => Vec::new(),
        },
    }
}

fn columns_of(life: Option<Life>) -> String {
    let short = |seconds: Option<u32>| seconds.map_or_else(String::new, short);
    let (revalidate, expire) = life.map_or((String::new(), String::new()), |life| {
        (short(life.revalidate), short(life.expire))
    });
    format!("  {revalidate:>10}  {expire:>6}")
}

/// Row CL8: `1h`, `30s`; the largest unit that leaves nothing over.
fn short(seconds: u32) -> String {
    let units = [
        (31_536_000, "y"),
        (604_800, "w"),
        (86_400, "d"),
        (3600, "h"),
        (60, "m"),
    ];
    let fits = |(length, _): &(u32, &str)| 0 < seconds && seconds.is_multiple_of(*length);
    match units.into_iter().find(fits) {
        Some((length, unit)) => format!("{}{unit}", seconds / length),
        None => format!("{seconds}s"),
    }
}

fn legend(rows: &[Row<'_>]) {
    eprintln!();
    let has = |symbol| rows.iter().any(|row| row.symbol == symbol);
    if has("○") {
        eprintln!("○  (Static)   made or copied by this build, sent as it is");
    }
    if has("●") {
        eprintln!("●  (SSG)      kept for each params (uses generate_static_params)");
    }
    eprintln!("ƒ  (Dynamic)  answered on demand");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let all = [0, 1, 30, 60, 90, 3600, 5400, 86_400, 604_800, 31_536_000];
        let shown: Vec<_> = all.into_iter().map(short).collect();
        assert_eq!(shown.join(" "), "0s 1s 30s 1m 90s 1h 90m 1d 1w 1y"); // CL8
    }
}
