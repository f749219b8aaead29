//! Finds cargo and rustc, and sees to it that they can build for `wasm32-wasip2`.

use super::environment;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What routes are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// The programs that build an app, with the target installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Cargo itself, behind rustup's stand-in: it saves a start of rustup on each build.
    pub cargo: PathBuf,
    /// Rustc itself.
    pub rustc: PathBuf,
}

/// Why an app cannot be built here.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// No Rust on this machine.
    #[error(
        "Rust is not installed: there is no `{program}`\n\nhint: install it from https://rustup.rs, then run this again"
    )]
    NoRust {
        /// What was looked for.
        program: String,
    },

    /// The target is missing and there is no rustup to add it.
    #[error(
        "this Rust cannot build for {TARGET}: {} does not exist\n\nhint: install the standard library for {TARGET} (from your distribution, such as `rust-std-static-{TARGET}`), or Rust from https://rustup.rs",
        folder.display()
    )]
    NoTarget {
        /// Where the target's libraries would be.
        folder: PathBuf,
    },

    /// Rustup could not add the target.
    #[error(
        "`rustup target add {TARGET}` failed\n\n{message}\n\nhint: run it by hand in the app's folder"
    )]
    Rustup {
        /// What it said.
        message: String,
    },

    /// A program that does not work.
    #[error("`{program}` failed: {message}")]
    Broken {
        /// The program with its arguments.
        program: String,
        /// What it said.
        message: String,
    },
}

/// Finds the toolchain that an app's folder asks for. If the target is missing and rustup is there, adds it, after telling `say`.
///
/// # Errors
///
/// [`ToolchainError`]; each says what to install.
pub fn prepare(root: &Path, say: &dyn Fn(&str)) -> Result<Toolchain, ToolchainError> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let printed = print(root, &rustc)?;
    if !printed.target_libdir.is_dir() {
        add_target(root, &printed.target_libdir, say)?;
    }
    Ok(printed.toolchain(&rustc))
}

/// What rustc says of itself.
struct Printed {
    sysroot: PathBuf,
    target_libdir: PathBuf,
}

impl Printed {
    /// The programs in the sysroot where both are there, as with rustup; else those on the path.
    fn toolchain(&self, rustc: &str) -> Toolchain {
        let own = |program: &str| {
            self.sysroot
                .join("bin")
                .join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
        };
        let (own_cargo, own_rustc) = (own("cargo"), own("rustc"));
        if rustc == "rustc" && own_cargo.is_file() && own_rustc.is_file() {
            return Toolchain {
                cargo: own_cargo,
                rustc: own_rustc,
            };
        }
        Toolchain {
            cargo: "cargo".into(),
            rustc: rustc.into(),
        }
    }
}

fn print(root: &Path, rustc: &str) -> Result<Printed, ToolchainError> {
    let arguments = [
        "--print",
        "sysroot",
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ];
    let output = run(root, rustc, &arguments)?;
    let text = String::from_utf8_lossy(&output.stdout);
    match (text.lines().next(), text.lines().nth(1)) {
        (Some(sysroot), Some(libdir)) if output.status.success() => Ok(Printed {
            sysroot: sysroot.into(),
            target_libdir: libdir.into(),
        }),
        _ => Err(ToolchainError::Broken {
            program: format!("{rustc} {}", arguments.join(" ")),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

fn add_target(root: &Path, libdir: &Path, say: &dyn Fn(&str)) -> Result<(), ToolchainError> {
    let no_target = || ToolchainError::NoTarget {
        folder: libdir.to_path_buf(),
    };
    run(root, "rustup", &["--version"]).map_err(|_| no_target())?;
    say(&format!(
        "adding the target {TARGET}: rustup target add {TARGET}"
    ));
    let output = run(root, "rustup", &["target", "add", TARGET])?;
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        return Err(ToolchainError::Rustup { message });
    }
    if libdir.is_dir() {
        Ok(())
    } else {
        Err(no_target())
    }
}

fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<Output, ToolchainError> {
    let mut command = Command::new(program);
    environment::clean(&mut command, root);
    command
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ToolchainError::NoRust {
                program: program.to_owned(),
            },
            _ => ToolchainError::Broken {
                program: program.to_owned(),
                message: error.to_string(),
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_build() {
        let folder = tempfile::tempdir().unwrap();
        let toolchain = prepare(folder.path(), &|_| ()).unwrap();
        let output = Command::new(&toolchain.cargo)
            .arg("--version")
            .output()
            .unwrap();
        assert!(output.status.success());
    }

    #[test]
    fn without_rust_it_says_where_to_get_it() {
        let error = run(Path::new("."), "no-such-rustc", &[])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "Rust is not installed: there is no `no-such-rustc`\n\nhint: install it from https://rustup.rs, then run this again"
        );
    }

    #[test]
    fn a_sysroot_without_cargo_leaves_the_choice_to_the_path() {
        let printed = Printed {
            sysroot: "/nowhere".into(),
            target_libdir: "/nowhere".into(),
        };
        assert_eq!(
            printed.toolchain("rustc"),
            Toolchain {
                cargo: "cargo".into(),
                rustc: "rustc".into()
            }
        );
    }
}
