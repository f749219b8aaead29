//! How routes are compiled: small and fast, or soon.
//!
//! The settings go to cargo on its command line, so an app's `Cargo.toml` says nothing about them; a profile of its own
//! (`[profile.dev]`, `[profile.release]`) is inherited. One that cargo's own variable names is left to it: with
//! `CARGO_PROFILE_WAYSTATION_RELEASE_LTO=off`, a build takes a quarter of the time and components are a seventh larger.

/// What a build is for: an edit or a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// For `waystation dev`: the shortest time from a save to a component.
    Dev,
    /// For `waystation build`: the smallest component.
    Release,
}

impl Profile {
    /// Its name, and its folder below the target's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Dev => "waystation-dev",
            Profile::Release => "waystation-release",
        }
    }

    /// What cargo is told.
    pub(super) fn arguments(self) -> Vec<String> {
        let settings: &[&str] = match self {
            Profile::Dev => &DEV,
            Profile::Release => &RELEASE,
        };
        let own = settings.iter().filter(|setting| {
            let variable = self.variable(setting);
            std::env::var_os(variable).is_none()
        });
        let config = own.flat_map(|setting| {
            [
                "--config".to_owned(),
                format!("profile.{}.{setting}", self.name()),
            ]
        });
        ["--profile".to_owned(), self.name().to_owned()]
            .into_iter()
            .chain(config)
            .collect()
    }

    /// What cargo reads a setting from, such as `CARGO_PROFILE_WAYSTATION_DEV_OPT_LEVEL` for `opt-level='s'`.
    fn variable(self, setting: &str) -> String {
        let key = setting.split('=').next().unwrap_or(setting);
        let key = key.rsplit('.').next().unwrap_or(key); // of dependencies as of the app
        let name = format!("CARGO_PROFILE_{}_{key}", self.name());
        name.to_uppercase().replace('-', "_")
    }
}

/// Measured on a route with JSON, in processor time per edit and size of the component: for size throughout 0.44 s and 560 KB, at level 1
/// 0.50 s and 625 KB, at level 0 over dependencies for size 0.33 s and 772 KB. The larger component costs Cranelift nothing more per edit,
/// for what did not change is not compiled again: save to live fell from 0.73 to 0.65 s. Inlining across the units of one crate (`lto`)
/// took 0.11 s more. Names stay, for they cost no time and a trap's backtrace needs them.
const DEV: [&str; 8] = [
    "inherits='dev'",
    "opt-level=0",
    "package.'*'.opt-level='s'",
    "debug=false",
    "strip='debuginfo'",
    "panic='abort'",
    "lto='off'",
    "incremental=true",
];

const RELEASE: [&str; 6] = [
    "inherits='release'",
    "opt-level='s'",
    "lto=true",
    "codegen-units=1",
    "strip=true",
    "panic='abort'",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_the_variable_that_cargo_reads() {
        let variable = Profile::Release.variable("opt-level='s'");
        assert_eq!(variable, "CARGO_PROFILE_WAYSTATION_RELEASE_OPT_LEVEL");
        let variable = Profile::Dev.variable("package.'*'.opt-level='s'");
        assert_eq!(variable, "CARGO_PROFILE_WAYSTATION_DEV_OPT_LEVEL");
    }
}
