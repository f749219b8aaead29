//! What `dev` and `start` set up alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use waystation_rules::segment::Limits;

use crate::app::{CodeCache, Loader};
use crate::sandbox::{Favour, Sandbox};

/// What compiles and runs the components of the app at `root`.
pub(super) fn loader(root: &Path, limits: Limits, favour: Favour) -> anyhow::Result<Loader> {
    let sandbox = Arc::new(Sandbox::new(limits, favour)?);
    let cache = CodeCache::open(&root.join(".waystation/cache"), &key_file());
    let cache = match cache {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            tracing::warn!("compiled code is not kept, so each start compiles: {error:#}");
            None
        }
    };
    Ok(Loader { sandbox, cache })
}

/// Where this node's key is: apart from the code that it signs (XDG base directories, `$XDG_STATE_HOME`).
fn key_file() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    state
        .unwrap_or_else(|| PathBuf::from("/var/lib"))
        .join("waystation/node.key")
}
