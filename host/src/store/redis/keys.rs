//! What an app's things are called in Redis. The braces keep them on one node of a cluster.

/// The names of one app.
pub(super) struct Keys {
    app: String,
    /// A hash: tag to [`Lapse`](waystation_rules::caching::Lapse) as JSON.
    pub clock: String,
    /// A number that is another after the clock was changed.
    pub version: String,
    /// Where changes of the clock are told.
    pub channel: String,
}

impl Keys {
    pub(super) fn new(app: &str) -> Self {
        let app = format!("waystation:{{{app}}}");
        Self {
            clock: format!("{app}:clock"),
            version: format!("{app}:version"),
            channel: format!("{app}:lapses"),
            app,
        }
    }

    /// An entry as [`Entry::to_bytes`](super::super::Entry::to_bytes).
    pub(super) fn entry(&self, key: &str) -> String {
        let digest = blake3::hash(key.as_bytes()).to_hex();
        format!("{}:entry:{digest}", self.app)
    }

    /// What all nodes have a client show, in hexadecimal.
    pub(super) fn secret(&self, name: &str) -> String {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        format!("{}:secret:{digest}", self.app)
    }

    /// Who makes an entry now.
    pub(super) fn lease(&self, key: &str) -> String {
        let digest = blake3::hash(key.as_bytes()).to_hex();
        format!("{}:lease:{digest}", self.app)
    }
}
