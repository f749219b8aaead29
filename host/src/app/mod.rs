//! What is being served: an immutable [`App`], and [`Current`], the one pointer that changes.
//!
//! A request takes the app once and keeps it to its last byte. A reload builds another app and swaps the pointer: nothing waits, and no
//! answer is half old and half new.

mod apart;
mod compiled;
mod counters;
mod file;
mod keep;
mod leaks;
mod load;
pub mod release;
mod shortcuts;

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::uri::Authority;
use waystation_rules::config::Rules;
use waystation_rules::forwarded::{Scheme, Trust};
use waystation_rules::proxy::Proxies;
use waystation_rules::segment::{AppLimits, Limits};
use waystation_rules::table::{Entry, Table};

use crate::outbound::Client;
use crate::project::files::FileSource;
use crate::project::settings::{Settings, SettingsError};
use crate::sandbox::Guest;
use crate::store::Kept;
use crate::telemetry::{AppCounts, Snapshot};

pub use apart::{Bounds, be_compiler};
pub use counters::Counters;
pub use file::{Content, File};
pub use keep::{keep, keep_beside, keep_for_now, keep_on, secret};
pub use leaks::Leaks;
pub use load::{Known, Loader, Source, guest, in_parallel, table, waiting};
pub use shortcuts::{Shortcut, Shortcuts};

/// A set of routes, and how they are served. Nothing in it changes but what is counted and remembered.
pub struct App {
    /// The routes by pattern.
    pub table: Table<Route>,
    /// What is asked before them.
    pub proxies: Proxies<Proxy>,
    /// What holds for all of them.
    pub policy: Policy,
    /// Where its requests are counted.
    pub counters: Counters,
    /// Where they have led.
    pub shortcuts: Shortcuts,
}

impl App {
    /// The app of these routes and proxies.
    #[must_use]
    pub fn new(table: Table<Route>, proxies: Proxies<Proxy>, policy: Policy) -> Self {
        let counters = Counters::of(&policy.counts, &table, &proxies);
        Self {
            table,
            proxies,
            policy,
            counters,
            shortcuts: Shortcuts::default(),
        }
    }

    /// The app as it is now, for who counts.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut guests = self
            .table
            .entries()
            .filter_map(|entry| entry.route.handler.guest());
        let instances = guests.next().map(|guest| guest.instances());
        let (running, idle, places) = instances.unwrap_or_default();
        Snapshot {
            counts: Arc::clone(&self.policy.counts),
            running,
            idle,
            places,
        }
    }
}

impl App {
    /// Whether rules or proxies look at requests before their routes do.
    #[must_use]
    pub fn looks_at_requests(&self) -> bool {
        !self.policy.rules.is_empty() || !self.proxies.is_empty()
    }
}

/// What an app serves at one pattern.
pub struct Route {
    /// What it answers, such as `/items/[slug]`.
    pub pattern: Arc<str>,
    /// The route's source, from the project's root, such as `app/items/[slug]/route.rs`.
    pub file: String,
    /// What answers.
    pub handler: Handler,
}

/// What answers at a pattern.
pub enum Handler {
    /// A component.
    Guest(Arc<Guest>),
    /// A file that is sent as it is.
    File(Box<File>),
    /// A component that there is not, and why.
    Broken(Arc<Broken>),
}

impl Handler {
    /// The component, if it is one.
    #[must_use]
    pub fn guest(&self) -> Option<&Arc<Guest>> {
        match self {
            Self::Guest(guest) => Some(guest),
            Self::File(_) | Self::Broken(_) => None,
        }
    }
}

impl Route {
    /// What answers for a file as it is in its folder now.
    #[must_use]
    pub fn of_file(source: &FileSource) -> Entry<Self> {
        Entry {
            pattern: source.pattern.clone(),
            file: source.file.clone(),
            route: Self {
                pattern: source.pattern.to_string().into(),
                file: source.file.clone(),
                handler: Handler::File(Box::new(File::live(source))),
            },
        }
    }
}

impl From<Result<Arc<Guest>, Arc<Broken>>> for Handler {
    fn from(guest: Result<Arc<Guest>, Arc<Broken>>) -> Self {
        match guest {
            Ok(guest) => Self::Guest(guest),
            Err(broken) => Self::Broken(broken),
        }
    }
}

/// What an app asks before its routes.
pub struct Proxy {
    /// The proxy's source, from the project's root, such as `app/admin/proxy.rs`.
    pub file: Arc<str>,
    /// The component, or why there is none.
    pub guest: Result<Arc<Guest>, Arc<Broken>>,
}

/// Why a route or a proxy cannot answer: what its compiler said.
#[derive(Debug, PartialEq)]
pub struct Broken {
    /// The errors as rustc shows them, without colour, paths from the project's root.
    pub text: String,
}

/// How requests are treated, whatever their route.
#[derive(Clone)]
pub struct Policy {
    /// Answers say what went wrong: `waystation dev`.
    pub shows_errors: bool,
    /// `/a` is sent to `/a/` rather than the other way round.
    pub trailing_slash: bool,
    /// What `request.url` calls this host (row Q2), such as `localhost:3000`. Never taken from a request.
    pub origin: Authority,
    /// How clients are to speak to that host.
    pub scheme: Scheme,
    /// The operator's limits.
    pub limits: AppLimits,
    /// The operator's headers, redirects and rewrites, and the base path.
    pub rules: Arc<Rules>,
    /// Whom the operator trusts to say who asks.
    pub trust: Arc<Trust>,
    /// The app's way to other servers.
    pub outbound: Arc<Client>,
    /// Answers are compressed for clients that take that.
    pub compression: bool,
    /// What the app keeps.
    pub kept: Arc<Kept>,
    /// What is counted of it, whichever code it runs.
    pub counts: Arc<AppCounts>,
    /// Who knows it may stand in for a request's clock and servers: the tests under `waystation test`, and nobody where there is none.
    pub test_secret: Option<Arc<str>>,
    /// What was told of shared instances that keep something, where they are compared with fresh ones: `waystation dev --find-leaks`.
    pub leaks: Option<Arc<Leaks>>,
}

impl Policy {
    /// What the settings come to, for a host that `request.url` calls `origin`, in cleartext, and that keeps what it keeps in `kept`.
    ///
    /// # Errors
    ///
    /// Never for settings that were read.
    pub fn of(
        settings: &Settings,
        origin: Authority,
        shows_errors: bool,
        kept: Arc<Kept>,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            shows_errors,
            trailing_slash: settings.trailing_slash,
            origin,
            scheme: Scheme::Http,
            limits: settings.limits.of_app(Limits::default()),
            rules: Arc::new(settings.rules()?),
            trust: Arc::new(settings.trust()?),
            outbound: Arc::new(Client::new(settings.outbound(shows_errors)?)),
            compression: settings.compression.unwrap_or(true),
            counts: Arc::new(AppCounts::new(Arc::clone(&kept.app))),
            kept,
            test_secret: None,
            leaks: None,
        })
    }
}

/// The app that new requests are served from.
pub struct Current(ArcSwap<App>);

impl Current {
    /// Starts with `app`.
    pub fn new(app: App) -> Self {
        Self(ArcSwap::from_pointee(app))
    }

    /// The app of a request that begins now.
    pub fn app(&self) -> Arc<App> {
        self.0.load_full()
    }

    /// Serves `app` from the next request on.
    pub fn replace(&self, app: App) {
        self.0.store(Arc::new(app));
    }
}
