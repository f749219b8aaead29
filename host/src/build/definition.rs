//! Finds the lines of a route's source that a refusal is about.

use std::path::Path;

use waystation_rules::segment::{SegmentErrors, definition};

use crate::project::place::Place;

/// Why a route is refused, and where to look: at `app/x/route.rs:3:11` for each of its constants that is at fault, else at the file.
///
/// `root` is the project's, and `file` is from there.
#[must_use]
pub fn told(root: &Path, file: &str, error: &anyhow::Error) -> String {
    let Some(SegmentErrors(faults)) = error.downcast_ref() else {
        return format!("{error:#}\n  --> {file}");
    };
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let told = faults.iter().map(|fault| {
        let name = definition(&text, fault.constant());
        let place = name.map(|name| format!(":{}", Place::of(&text, &name)));
        format!("{fault}\n  --> {file}{}", place.unwrap_or_default())
    });
    told.collect::<Vec<_>>().join("\n\nerror: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation_rules::segment::SegmentError;

    #[test]
    fn each_constant_at_fault_is_named_with_its_line() {
        let root = tempfile::tempdir().unwrap();
        let text = "//! A route.\npub const CPU_MS: u32 = 0;\n";
        std::fs::write(root.path().join("route.rs"), text).unwrap();
        let check = |error: anyhow::Error, expected: &str| {
            assert_eq!(told(root.path(), "route.rs", &error), expected);
        };
        let (run, cpu) = (SegmentError::RunTime { seconds: 0 }, SegmentError::NoTime);
        let expected = format!("{run}\n  --> route.rs\n\nerror: {cpu}\n  --> route.rs:2:11");
        check(SegmentErrors(vec![run, cpu]).into(), &expected);
        let error = anyhow::anyhow!("no import").context("not allowed");
        check(error, "not allowed: no import\n  --> route.rs");
    }
}
