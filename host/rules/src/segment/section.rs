//! Reads the custom section `waystation-route` of a component.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Declared;
use crate::method::Methods;

/// What a component says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The pattern it was built for, such as `/items/[slug]`.
    pub pattern: String,
    /// The methods that its route module defines.
    pub methods: Methods,
    /// Its constants.
    pub config: Declared,
}

/// Why a component's section cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// Another layout of the section.
    #[error("the route's section has version {found} and this host reads {VERSION}; {REBUILD}")]
    Version {
        /// The version in the section, as JSON; `null` if there is none.
        found: String,
    },

    /// Another contract between host and guest.
    #[error("the route speaks contract {found} and this host \"{CONTRACT}\"; {REBUILD}")]
    Contract {
        /// The contract in the section, as JSON; `null` if there is none.
        found: String,
    },

    /// Not JSON, or not of this layout: a key is missing, unknown or of another type.
    #[error("the route's section cannot be read: {fault}; {REBUILD}")]
    Layout {
        /// What is wrong and where.
        fault: String,
    },
}

/// The layout of the section that this host reads.
pub const VERSION: u32 = 1;

/// The WIT package's version that this host speaks.
pub const CONTRACT: &str = "0.1.0";

const REBUILD: &str = concat!(
    "rebuild it with the crate `waystation` ",
    env!("CARGO_PKG_VERSION")
);

impl Section {
    /// Reads the section's bytes.
    ///
    /// # Errors
    ///
    /// A [`SectionError`], which says what to rebuild with. The version and the contract are looked at before anything else.
    pub fn parse(json: &[u8]) -> Result<Self, SectionError> {
        let layout = |fault: serde_json::Error| SectionError::Layout {
            fault: fault.to_string(),
        };
        let mut section: Map<String, Value> = serde_json::from_slice(json).map_err(layout)?;
        let version = section.remove("version").unwrap_or_default();
        if version != VERSION {
            return Err(SectionError::Version {
                found: version.to_string(),
            });
        }
        let contract = section.remove("contract").unwrap_or_default();
        if contract != CONTRACT {
            return Err(SectionError::Contract {
                found: contract.to_string(),
            });
        }
        serde_json::from_value(Value::Object(section)).map_err(layout)
    }
}
