//! What a node's operator bounds and secures, and how deployers show who they are.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args as Arguments;

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Operators {
    /// Speak TLS with this certificate where `--admin` is an address, in PEM with its chain
    #[arg(long, value_name = "FILE", requires = "admin_key")]
    pub(in crate::cli) admin_cert: Option<PathBuf>,
    /// Its key in PEM
    #[arg(long, value_name = "FILE", requires = "admin_cert")]
    pub(in crate::cli) admin_key: Option<PathBuf>,
    /// Let those do anything, without a token, who show a certificate that this one has signed; it is read at the start
    #[arg(long, value_name = "FILE", requires = "admin_cert")]
    pub(in crate::cli) admin_client_ca: Option<PathBuf>,
    /// Let `--admin` be an address that others reach without TLS: a proxy in front speaks it
    #[arg(long)]
    pub(in crate::cli) admin_cleartext: bool,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Bounds {
    /// The most that a release may ask for: a TOML file with `[limits]` as in waystation.toml, and `memory_mb`, `disk_mb` and `redis = false` of `[cache]`
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) cap: Option<PathBuf>,
    /// MiB of memory that the compiler may take for a component, in a process of its own
    #[arg(long, value_name = "MIB", default_value = "2048")]
    pub(in crate::cli) compile_memory: NonZero<u32>,
    /// MiB of memory that all guests may take together [default: five eighths of the machine's, or of the control group's]
    #[arg(long, value_name = "MIB")]
    pub(in crate::cli) guest_memory: Option<NonZero<u32>>,
    /// Seconds of processor time that the compiler may take for a component; a release may take ten times that by the clock
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(in crate::cli) compile_time: NonZero<u32>,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Compile {
    /// MiB of memory that it may take
    #[arg(long)]
    pub(in crate::cli) memory: u32,
    /// Seconds of processor time that it may take
    #[arg(long)]
    pub(in crate::cli) time: u64,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Identity {
    /// Who has signed the nodes' certificates, in PEM [default: whom the system trusts, or `ca` in `[nodes]`]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) ca: Option<PathBuf>,
    /// The certificate to show to nodes, in PEM [default: `cert` in `[nodes]`]
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(in crate::cli) client_cert: Option<PathBuf>,
    /// Its key in PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub(in crate::cli) client_key: Option<PathBuf>,
}
