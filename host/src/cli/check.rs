//! `waystation check`: builds every route as `dev` does and says what is wrong.

use std::process::ExitCode;
use std::time::Instant;

use super::args::Check;
use super::report;
use crate::build::Profile;
use crate::project::{Project, settings::Settings};
use waystation_rules::segment::Limits;

pub(super) fn run(args: &Check) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let project = Project::open(&args.app.dir)?;
    let limits = Settings::read(&project.root)?
        .limits
        .over(Limits::default());
    let Some(build) = super::build::routes(&project, Profile::Dev)? else {
        return Ok(ExitCode::FAILURE);
    };
    for route in &build.built {
        if let Some(section) = &route.inspected.section
            && let Err(error) = section.config.settle(&limits)
        {
            anyhow::bail!("{error}\n  --> {}", route.source.file);
        }
    }
    report::checked(build.built.len(), began.elapsed());
    Ok(ExitCode::SUCCESS)
}
