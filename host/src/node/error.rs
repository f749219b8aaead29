//! Why a node does not do what it is asked.

use waystation_rules::rollout::{AppName, HostName, StepError};

use super::inspect::Fault;

/// Why a node does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum NodeError {
    /// Nobody has deployed it here.
    #[error("there is no app `{0}` on this node")]
    NoApp(AppName),

    /// The app's releases do not allow it.
    #[error(transparent)]
    Step(#[from] StepError),

    /// The release cannot be served here.
    #[error("the release is not taken")]
    Release(Vec<Fault>),

    /// Two apps cannot answer one host.
    #[error("the app `{app}` answers `{host}` already")]
    HostTaken {
        /// Which host.
        host: HostName,
        /// Whose it is.
        app: AppName,
    },

    /// A name that no variable has.
    #[error("{0}")]
    Variable(String),

    /// The disk, or a fault of the program. The deployer learns what kind, the log all of it.
    #[error("the node failed: {0:#}")]
    Own(#[from] anyhow::Error),
}

impl NodeError {
    /// All of it in a line: the error, and every fault of a release.
    pub(super) fn words(&self) -> String {
        let faults: &[Fault] = match self {
            Self::Release(faults) => faults,
            _ => &[],
        };
        let faults = faults.iter().map(|fault| format!("; {fault}"));
        faults.fold(self.to_string(), |words, fault| words + &fault)
    }
}

impl From<std::io::Error> for NodeError {
    fn from(error: std::io::Error) -> Self {
        Self::Own(error.into())
    }
}
