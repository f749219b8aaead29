//! What a node takes and gives, as its operator says.

use std::time::Duration;

use waystation_rules::forwarded::Scheme;
use waystation_rules::rollout::{Judge, Region, SUFFIX_DEFAULT};

use super::cap::Cap;
use super::signature::Keys;
use crate::app::Bounds;

/// What a node takes and gives.
pub struct Policy {
    /// Interfaces that no component gets, such as `wasi:sockets`.
    pub denied: Vec<String>,
    /// Apps may say which private addresses their handlers reach.
    pub allows_private_addresses: bool,
    /// The most that a release may ask for.
    pub cap: Cap,
    /// Who has to have signed a release; anybody may deploy if there are none.
    pub keys: Keys,
    /// How clients speak to it.
    pub scheme: Scheme,
    /// Where it is.
    pub region: Option<Region>,
    /// What previews' hosts end in.
    pub preview_suffix: String,
    /// How many releases are kept that were active, and as many that are ready.
    pub keep: usize,
    /// What a new release is judged by.
    pub judge: Judge,
    /// How much the compiler may use for a component.
    pub compiler: Bounds,
    /// How long a release may take to be compiled, all of it, by the clock.
    pub compile_time: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            denied: Vec::new(),
            allows_private_addresses: false,
            cap: Cap::default(),
            keys: Keys::default(),
            scheme: Scheme::Http,
            region: None,
            preview_suffix: SUFFIX_DEFAULT.to_owned(),
            keep: 3,
            judge: Judge::default(),
            compiler: Bounds::default(),
            compile_time: Duration::from_secs(120),
        }
    }
}

/// What there is at all. What of it a handler may do, its limits and `[outbound]` say.
const GIVEN: [&str; 8] = [
    "waystation:route",
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:http",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];

impl Policy {
    /// Whether components get an interface, such as `wasi:clocks/wall-clock@0.2.6`.
    pub(super) fn gives(&self, import: &str) -> bool {
        let is_in = |name: &str| {
            let rest = import.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@']))
        };
        GIVEN.iter().any(|given| is_in(given)) && !self.denied.iter().any(|denied| is_in(denied))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_given_unless_it_is_unknown_or_denied() {
        let policy = Policy {
            denied: vec!["wasi:sockets".to_owned(), "wasi:cli/environment".to_owned()],
            ..Policy::default()
        };
        for (import, is_given) in [
            ("wasi:clocks/wall-clock@0.2.6", true),
            ("waystation:route/types@0.1.0", true),
            ("wasi:cli/stdout@0.2.6", true),
            ("wasi:cli/environment@0.2.6", false),
            ("wasi:sockets/tcp@0.2.6", false),
            ("wasi:keyvalue/store@0.2.0", false),
            ("wasi:clocksmith/a", false),
        ] {
            assert_eq!(policy.gives(import), is_given, "{import}");
        }
    }
}
