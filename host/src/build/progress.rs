//! How far cargo is, read from what it writes for people to stderr.
//!
//! Cargo has no other way to tell how much there is to do. What cannot be read is passed over: progress is for the eyes only.

/// What cargo is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something done to the machine, such as a target added: it is always told.
    Told(String),
    /// Something before compiling: `Updating crates.io index`, `Blocking waiting for file lock on build directory`.
    Step(String),
    /// Compiling.
    Units {
        /// Crates and build scripts that are ready.
        done: usize,
        /// All of them, with those that were ready before.
        total: usize,
        /// What is being compiled now: `serde, syn(build)`.
        current: String,
    },
}

/// Reads one line of cargo's stderr.
pub(super) fn read(line: &str) -> Option<Progress> {
    let (word, rest) = status(line)?;
    if word == "Building" {
        let (_, bar) = rest.split_once("] ")?;
        let (done, rest) = bar.split_once('/')?;
        let (total, current) = rest.split_once(':').unwrap_or((rest, ""));
        return Some(Progress::Units {
            done: done.trim().parse().ok()?,
            total: total.trim().parse().ok()?,
            current: current.trim().to_owned(),
        });
    }
    matches!(
        word,
        "Updating" | "Downloading" | "Downloaded" | "Blocking" | "Locking"
    )
    .then(|| Progress::Step(format!("{word} {rest}")))
}

/// Whether a line is one of cargo's own, with its first word flush right to the twelfth column.
pub(super) fn is_status(line: &str) -> bool {
    status(line).is_some()
}

fn status(line: &str) -> Option<(&str, &str)> {
    let (word, rest) = line.trim_start().split_once(' ')?;
    let end = line.len() - line.trim_start().len() + word.len();
    let is_word = word.starts_with(|c: char| c.is_ascii_uppercase());
    (end == 12 && is_word).then_some((word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far() {
        let line = "    Building [=============>               ] 12/130: serde, syn(build)                               ";
        let units = Progress::Units {
            done: 12,
            total: 130,
            current: "serde, syn(build)".to_owned(),
        };
        assert_eq!(read(line), Some(units));
    }

    #[test]
    fn what_takes_time_before_is_told() {
        let step = |text: &str| Some(Progress::Step(text.to_owned()));
        assert_eq!(
            read("    Updating crates.io index"),
            step("Updating crates.io index")
        );
        assert_eq!(
            read("    Blocking waiting for file lock on build directory"),
            step("Blocking waiting for file lock on build directory")
        );
    }

    #[test]
    fn other_lines_are_no_progress() {
        assert_eq!(read("   Compiling serde v1.0.0"), None);
        assert_eq!(read("error: failed to parse manifest"), None);
        assert_eq!(read("    Building [   "), None);
        assert!(is_status("   Compiling serde v1.0.0"));
        assert!(!is_status("error: failed to parse manifest"));
        assert!(!is_status("  Caused by: this"));
    }
}
