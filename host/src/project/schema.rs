//! The JSON schema of `waystation.toml`, by which editors complete and check it.
//!
//! It is made of the settings' own types, so it cannot say what the program does not read. `#:schema` at the top of the file names it.

use std::io;
use std::path::Path;

use schemars::generate::SchemaSettings;

use super::settings::Settings;
use super::{OWN_DIR, atomic};

/// The schema, as it is written to files.
#[must_use]
pub fn text() -> String {
    // Editors for TOML know this draft.
    let generator = SchemaSettings::draft07().into_generator();
    let schema = generator.into_root_schema_for::<Settings>();
    format!("{:#}\n", schema.as_value())
}

/// Writes it to `.waystation/waystation.schema.json` of the app at `root`.
///
/// # Errors
///
/// Any [`io::Error`].
pub fn write(root: &Path) -> io::Result<()> {
    let path = root.join(OWN_DIR).join("waystation.schema.json");
    atomic::write_if_changed(&path, text().as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_settings() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("waystation.schema.json");
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text(),
            "the settings have changed; run `cargo run -- schema > host/waystation.schema.json`"
        );
    }

    #[test]
    fn it_knows_the_keys_and_what_they_may_be() {
        let schema: serde_json::Value = serde_json::from_str(&text()).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["env"]["type"], "array");
        assert_eq!(
            schema["definitions"]["Limits"]["properties"]["cpu_ms"]["minimum"],
            1
        );
        let redirect = &schema["definitions"]["Redirect"];
        assert_eq!(redirect["required"][0], "source");
        assert_eq!(redirect["additionalProperties"], false);
    }
}
