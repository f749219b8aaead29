//! What can be wrong with an app on disk. Each says what, where, and what to do next.
//!
//! A cause stands in the message, before the place and the hint, so it is no `source()` too: `{error:#}` would say it twice.

use super::cargo_toml::MEMBERS;
use super::place::Place;
use std::io;
use std::path::PathBuf;
use waystation_rules::pattern::PatternError;
use waystation_rules::table::Conflict;

/// Every fault of an app at once. Each after the first brings the `error: ` that whoever prints this puts before the whole.
#[derive(Debug, thiserror::Error)]
#[error("{}", joined(.0))]
pub struct ProjectErrors(pub Vec<ProjectError>);

impl From<ProjectError> for ProjectErrors {
    fn from(error: ProjectError) -> ProjectErrors {
        ProjectErrors(vec![error])
    }
}

fn joined(errors: &[ProjectError]) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join("\n\nerror: ")
}

/// Why an app, or one of its routes, cannot be used as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The folder that was named does not exist or may not be read.
    #[error("{}: {error}", folder.display())]
    NoFolder {
        /// As it was given.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// Neither `app/` nor `src/app/`.
    #[error("no `app/` or `src/app/` here\n  --> {}\n\nhint: {hint}", folder.display())]
    NoApp {
        /// Where it was looked for.
        folder: PathBuf,
        /// What to do.
        hint: String,
    },

    /// No `Cargo.toml` beside the `app/` folder.
    #[error(
        "there is no `Cargo.toml` beside `app/`\n  --> {}\n\nhint: an app is a Cargo package; run `cargo init --lib` there",
        root.display()
    )]
    NoCargoToml {
        /// Where it was looked for.
        root: PathBuf,
    },

    /// `Cargo.toml` is not TOML.
    #[error("{message}\n  --> Cargo.toml:{place}")]
    CargoToml {
        /// Where it stops making sense.
        place: Place,
        /// What the parser said.
        message: String,
    },

    /// A virtual manifest, or a package without a name.
    #[error(
        "`Cargo.toml` has no `[package]` with a name\n  --> Cargo.toml\n\nhint: an app is a package, and the routes use its `[dependencies]`"
    )]
    NoPackage,

    /// The routes would not be part of the app's workspace.
    #[error(
        "the routes are not in the app's workspace\n  --> Cargo.toml\n\nhint: add these lines, so that cargo and your editor see the routes:\n\n[workspace]\nmembers = [\"{MEMBERS}\"]"
    )]
    NotInWorkspace,

    /// Routes without the SDK they are written with.
    #[error(
        "the app does not depend on `waystation`\n  --> Cargo.toml\n\nhint: add these lines, with the path to your copy of waystation:\n\n[dependencies]\nwaystation = {{ path = \"../waystation/guest-sdk\" }}"
    )]
    NoSdk,

    /// Cargo refuses a package without a target.
    #[error(
        "the app has no `src/lib.rs`\n  --> Cargo.toml\n\nhint: make it, empty if need be; what routes share goes there"
    )]
    NoLibrary,

    /// A folder name that is no URL segment.
    #[error("{error}\n  --> {file}")]
    Pattern {
        /// The route in the folder, from the root.
        file: String,
        /// What is wrong with its folder.
        error: PatternError,
    },

    /// Routes that match the same paths.
    #[error(transparent)]
    Conflict(Box<Conflict>),

    /// `route.rs` and `route.wasm` side by side.
    #[error(
        "`route.rs` and `route.wasm` both answer this path\n  --> {folder}\n\nhint: keep one of them"
    )]
    TwoKinds {
        /// From the root.
        folder: String,
    },

    /// A name that cannot be part of a URL pattern.
    #[error("this name is not UTF-8\n  --> {}\n\nhint: rename it", path.display())]
    NotUtf8 {
        /// The file or folder.
        path: PathBuf,
    },

    /// A link from a folder to one that it is in.
    #[error("this link leads back to a folder it is in\n  --> {folder}\n\nhint: remove the link")]
    Loop {
        /// The link, from the root.
        folder: String,
    },

    /// A link in `public/` to what is not in it.
    #[error("this link leads out of `public/`\n  --> {file}\n\nhint: put the file itself there")]
    LinkOut {
        /// The link, from the root.
        file: String,
    },

    /// An image that those who show links would not take (row MD7).
    #[error(
        "this image has {bytes} bytes, and {limit} is the most that is shown with a link\n  --> {file}\n\nhint: make it smaller; 1200 by 630 pixels are enough"
    )]
    LargeImage {
        /// From the root.
        file: String,
        /// What it has.
        bytes: u64,
        /// What it may have.
        limit: u64,
    },

    /// A file or folder that cannot be read.
    #[error("cannot be read: {error}\n  --> {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// A file or folder of `.waystation` that cannot be written.
    #[error("cannot be written: {error}\n  --> {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::output::OutputError;
    use crate::project::settings::SettingsError;
    use waystation_rules::pattern::RoutePattern;

    #[test]
    fn a_cause_is_said_once() {
        let error = || io::Error::other("the cause");
        let path = || PathBuf::from("x");
        let folder = path();
        check(ProjectError::NoFolder {
            folder,
            error: error(),
        });
        check(ProjectError::Read {
            path: path(),
            error: error(),
        });
        check(ProjectError::Write {
            path: path(),
            error: error(),
        });
        check(OutputError::Read {
            path: path(),
            error: error(),
        });
        check(OutputError::Write {
            path: path(),
            error: error(),
        });
        check(SettingsError::Read {
            path: path(),
            error: error(),
        });
    }

    #[test]
    fn each_of_several_says_that_it_is_an_error() {
        let folder = || "app/x".to_owned();
        let errors = ProjectErrors(vec![
            ProjectError::Loop { folder: folder() },
            ProjectError::TwoKinds { folder: folder() },
        ]);
        assert_eq!(
            errors.to_string(),
            "\
this link leads back to a folder it is in
  --> app/x

hint: remove the link

error: `route.rs` and `route.wasm` both answer this path
  --> app/x

hint: keep one of them"
        );
    }

    #[test]
    fn a_folder_s_fault_is_said_once() {
        let error = RoutePattern::parse("[a]/[a]").unwrap_err();
        let cause = error.to_string();
        let file = "app/[a]/[a]/route.rs".to_owned();
        assert_eq!(
            format!(
                "{:#}",
                anyhow::Error::from(ProjectError::Pattern { file, error })
            ),
            format!("{cause}\n  --> app/[a]/[a]/route.rs")
        );
    }

    #[track_caller]
    fn check(error: impl std::error::Error + Send + Sync + 'static) {
        let text = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(text.matches("the cause").count(), 1, "{text}");
    }
}
