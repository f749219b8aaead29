//! The variables that an app's guests see: from the process's environment, and from the `.env` files in the app's root.
//!
//! In: the app's root, the names that `waystation.toml` lists, and the mode. Out: an [`Environment`], and which files were read.
//!
//! Which file wins and what a line means is decided in `waystation_rules::environment`. Nothing here, and no message, shows a value.

use std::path::{Path, PathBuf};
use std::{fs, io};

use waystation_rules::environment::{self, FileError};

pub use waystation_rules::environment::{Environment, Mode};

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// What guests see.
    pub environment: Environment,
    /// The names of the files that were there, those that win first.
    pub files: Vec<String>,
}

/// Why the environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A file that is there but cannot be read.
    #[error("cannot be read: {error}\n  --> {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// Every fault of the files. Each after the first brings its own `error: `, as the faults of a project do.
    #[error("{}", joined(.0))]
    Files(Vec<FileError>),
}

/// Reads the `.env` files of the app at `root` and settles the listed names (row CL9).
///
/// # Errors
///
/// An [`EnvironmentError`]: a file that cannot be read, or that makes no sense.
pub fn read(root: &Path, listed: &[String], mode: Mode) -> Result<Found, EnvironmentError> {
    let mut texts = Vec::new();
    for file in mode.files() {
        let path = root.join(&file);
        match fs::read_to_string(&path) {
            Ok(text) => texts.push((file, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EnvironmentError::Read { path, error }),
        }
    }
    let process = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let environment =
        environment::resolve(listed, &texts, process).map_err(EnvironmentError::Files)?;
    let files = texts.into_iter().map(|(file, _)| file).collect();
    Ok(Found { environment, files })
}

fn joined(faults: &[FileError]) -> String {
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    texts.join("\n\nerror: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_mode_are_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(".env"),
            "A_OF_THE_TEST=1\nB_OF_THE_TEST=1",
        )
        .unwrap();
        fs::write(folder.path().join(".env.local"), "B_OF_THE_TEST=2").unwrap();
        let listed = ["A_OF_THE_TEST", "B_OF_THE_TEST", "PATH"].map(str::to_owned);
        let values = |mode| {
            let found = read(folder.path(), &listed, mode).unwrap();
            let values = found.environment.values();
            (
                values[1].1.clone(),
                values[2].1.clone(),
                found.files.join(" "),
            )
        };
        let path = std::env::var("PATH").unwrap();
        assert_eq!(
            values(Mode::Development),
            ("2".to_owned(), path.clone(), ".env.local .env".to_owned())
        );
        assert_eq!(
            values(Mode::Test),
            ("1".to_owned(), path, ".env".to_owned())
        );
    }

    #[test]
    fn a_fault_never_shows_what_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".env"), "hunter2\nhunter3").unwrap();
        let error = read(folder.path(), &[], Mode::Production).unwrap_err();
        let told = format!("{error}\n{error:?}");
        assert!(told.contains("--> .env:2"), "{told}");
        assert!(!told.contains("hunter"), "{told}");
    }
}
