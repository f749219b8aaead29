//! `waystation routes`: lists the routes without building them.

use std::process::ExitCode;

use anstream::println;
use serde_json::json;

use super::args::Routes;
use crate::project::{Project, routes};

pub(super) fn run(args: &Routes) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.app.dir)?;
    let mut routes = routes::discover(&project)?;
    routes.sort_by(|a, b| a.pattern.cmp(&b.pattern));
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
    let width = routes
        .iter()
        .map(|route| route.pattern.to_string().chars().count())
        .max();
    for route in &routes {
        println!(
            "{:<width$}  {}",
            route.pattern.to_string(),
            route.file,
            width = width.unwrap_or(0)
        );
    }
    Ok(ExitCode::SUCCESS)
}
