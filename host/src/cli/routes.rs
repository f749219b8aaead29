//! `waystation routes`: lists the proxies, outer first, and the routes without building them.

use std::cmp::Ordering;
use std::process::ExitCode;

use anstream::println;
use serde_json::json;
use waystation_rules::pattern::RoutePattern;

use super::args::Routes;
use crate::project::Project;
use crate::project::files::FileKind;
use crate::project::routes::{self, RouteKind};

/// What answers a path.
struct Row<'a> {
    pattern: &'a RoutePattern,
    file: &'a str,
    /// None for a file that is sent as it is.
    code: Option<&'a routes::RouteSource>,
}

impl Row<'_> {
    fn kind(&self) -> Option<RouteKind> {
        self.code.map(|route| route.kind)
    }
}

pub(super) fn run(args: &Routes) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.app.dir)?;
    let found = routes::discover_all(&project)?;
    // What is in `public/` answers its own name, and nobody needs a list to find it.
    let files = found.files.iter();
    let files = files.filter(|file| file.kind == FileKind::Metadata);
    let files = files.map(|file| Row {
        pattern: &file.pattern,
        file: &file.file,
        code: None,
    });
    let routes = found.routes.iter().map(|route| Row {
        pattern: &route.pattern,
        file: &route.file,
        code: Some(route),
    });
    let mut rows: Vec<_> = routes.chain(files).collect();
    let is_proxy = |row: &Row<'_>| row.kind() == Some(RouteKind::Proxy);
    let depth = |file: &str| file.trim_start_matches("src/").matches('/').count();
    rows.sort_by(|a, b| match (is_proxy(a), is_proxy(b)) {
        (true, true) => (depth(a.file), a.file).cmp(&(depth(b.file), b.file)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.pattern.cmp(b.pattern),
    });
    if args.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|Row { pattern, file, code }| {
                let pattern = pattern.to_string();
                match code {
                    Some(route) => json!({ "pattern": pattern, "file": file, "kind": route.kind, "package": route.package }),
                    None => json!({ "pattern": pattern, "file": file, "kind": "file" }),
                }
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let shown = |row: &Row<'_>| match row.kind() {
        Some(RouteKind::Proxy) => format!("Proxy {}", row.pattern),
        _ => row.pattern.to_string(),
    };
    let width = rows.iter().map(|route| shown(route).chars().count()).max();
    let width = width.unwrap_or(0);
    for route in &rows {
        println!("{:<width$}  {}", shown(route), route.file);
    }
    Ok(ExitCode::SUCCESS)
}
