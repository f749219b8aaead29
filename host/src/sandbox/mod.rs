//! Runs guests, each in a store of its own, under limits that are always on.
//!
//! In: a compiled component, a request, and the facts that the host settled about it. Out: an [`Answer`], or the [`Fault`] that stopped it.
//!
//! The store lives in the future that hyper polls: no task, no channel, and no queue but for guests that execute for long (`pace`). Dropping the answer's body, as hyper does when a client
//! leaves, drops the store and with it the guest, wherever it stands; unless the guest has said that it has work for later. That work, and
//! only that, is a task.

mod bindings;
mod clock;
mod code;
mod cpu;
mod driver;
mod engine;
mod fault;
mod fetch_cache;
mod functions;
mod guest;
mod held;
mod lease;
mod loaded;
mod log;
mod making;
mod memory;
mod met;
mod nested;
mod outgoing;
mod pace;
mod places;
mod relink;
mod requests;
mod state;
mod values;
mod way;

pub use code::{CodeSource, Facts, LoadError, OtherFacts, loaded_code};
pub use driver::{Answer, Call, Effects, Onward, run, static_params};
pub use engine::{Favour, Sandbox, Stacks, precompile};
pub use fault::Fault;
pub use guest::{Guest, Named};
pub use making::{Made, Making};
pub use memory::bound_guests;
pub use met::Met;
pub use outgoing::{Asker, Asks, OwnRoutes};
pub use places::Share;
pub use relink::relinked;
