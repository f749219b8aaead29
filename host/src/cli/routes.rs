//! `waystation routes`: lists the proxies, outer first, and the routes without building them.

use std::cmp::Ordering;
use std::process::ExitCode;

use anstream::println;
use serde_json::json;

use super::args::Routes;
use crate::project::Project;
use crate::project::routes::{self, RouteKind, RouteSource};

pub(super) fn run(args: &Routes) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.app.dir)?;
    let mut routes = routes::discover(&project)?;
    let depth = |file: &str| file.trim_start_matches("src/").matches('/').count();
    routes.sort_by(|a, b| match (a.kind, b.kind) {
        (RouteKind::Proxy, RouteKind::Proxy) => {
            (depth(&a.file), &a.file).cmp(&(depth(&b.file), &b.file))
        }
        (RouteKind::Proxy, _) => Ordering::Less,
        (_, RouteKind::Proxy) => Ordering::Greater,
        _ => a.pattern.cmp(&b.pattern),
    });
    if args.json {
        let routes: Vec<_> = routes
            .iter()
            .map(|route| {
                let pattern = route.pattern.to_string();
                json!({ "pattern": pattern, "file": route.file, "kind": route.kind, "package": route.package })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&routes)?);
        return Ok(ExitCode::SUCCESS);
    }
    let shown = |route: &RouteSource| match route.kind {
        RouteKind::Proxy => format!("Proxy {}", route.pattern),
        RouteKind::Rust | RouteKind::Wasm => route.pattern.to_string(),
    };
    let width = routes
        .iter()
        .map(|route| shown(route).chars().count())
        .max();
    let width = width.unwrap_or(0);
    for route in &routes {
        println!("{:<width$}  {}", shown(route), route.file);
    }
    Ok(ExitCode::SUCCESS)
}
