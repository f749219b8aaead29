//! Finds the line of a route's source that a refusal is about.

use std::path::Path;

use waystation_rules::segment::{SegmentError, definition};

use crate::project::place::Place;

/// Where to look for why a route is refused: `app/x/route.rs:3:11` if one of its constants is at fault, else the file.
///
/// `root` is the project's, and `file` is from there.
#[must_use]
pub fn place(root: &Path, file: &str, error: &anyhow::Error) -> String {
    let found = || {
        let fault: &SegmentError = error.downcast_ref()?;
        let text = std::fs::read_to_string(root.join(file)).ok()?;
        let name = definition(&text, fault.constant())?;
        Some(format!("{file}:{}", Place::of(&text, &name)))
    };
    found().unwrap_or_else(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_at_fault_is_named_with_its_line() {
        let root = tempfile::tempdir().unwrap();
        let text = "//! A route.\npub const CPU_MS: u32 = 0;\n";
        std::fs::write(root.path().join("route.rs"), text).unwrap();
        let check = |error: anyhow::Error, expected: &str| {
            assert_eq!(place(root.path(), "route.rs", &error), expected);
        };
        check(SegmentError::NoTime.into(), "route.rs:2:11");
        check(SegmentError::RunTime { seconds: 0 }.into(), "route.rs");
        check(anyhow::anyhow!("no import"), "route.rs");
    }
}
