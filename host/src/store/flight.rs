//! One makes, the others wait: however many ask for the same thing at once, it is made once (row I9).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::underway::Underway;
use super::{Behind, Lease, Leasing};

/// How long to wait for another node before making it here too, and how often to ask. A node that has died has not given back its lease.
pub const PATIENCE: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// What is being made now, by key.
#[derive(Default)]
pub(super) struct Flights(Underway<Making>);

/// Something that is being made.
#[derive(Default)]
struct Making {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// When the last turn began.
    begun: Mutex<Option<Instant>>,
    /// What came of the first who made it.
    landed: OnceLock<Landed>,
}

/// A part in making something. Whoever has it looks once more whether it is there, makes it if not, and says how that went. While it is
/// held, nobody else on this node makes the same.
pub struct Flight {
    making: Arc<Making>,
    turn: Option<OwnedMutexGuard<()>>,
    lease: Option<Lease>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed {
    /// It is kept: those who wait find it.
    Kept,
    /// It is not: those who wait make it for themselves, all at once.
    NotKept,
}

impl Flights {
    pub(super) async fn join(&self, key: &str, behind: Option<&Arc<dyn Behind>>) -> Flight {
        let making = self.0.of(key);
        let turn = Arc::clone(&making.turn).lock_owned().await;
        let landed = making.landed.get().copied();
        let lease = match behind {
            Some(behind) if landed.is_none() => match lease(&**behind, key, PATIENCE).await {
                Leasing::Mine(lease) => Some(lease),
                Leasing::Alone | Leasing::Taken => None,
            },
            _ => None,
        };
        let turn = (landed != Some(Landed::NotKept)).then_some(turn);
        Flight::begin(making, turn, lease)
    }

    pub(super) fn try_join(&self, key: &str) -> Option<Flight> {
        let making = self.0.of(key);
        let turn = Arc::clone(&making.turn).try_lock_owned().ok()?;
        Some(Flight::begin(making, Some(turn), None))
    }

    /// Whether somebody has been making it for longer than that.
    pub(super) fn is_late(&self, key: &str, time: Duration) -> bool {
        let making = self.0.of(key);
        let begun = *making.begun();
        making.turn.try_lock().is_err() && begun.is_some_and(|begun| time < begun.elapsed())
    }
}

/// Waits until this node may make it, for `patience` at most.
async fn lease(behind: &dyn Behind, key: &str, patience: Duration) -> Leasing {
    let latest = Instant::now() + patience;
    loop {
        match behind.lease(key).await {
            Leasing::Taken if Instant::now() < latest => tokio::time::sleep(ASK_AGAIN).await,
            leasing => return leasing,
        }
    }
}

impl Making {
    fn begun(&self) -> MutexGuard<'_, Option<Instant>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn begin(making: Arc<Making>, turn: Option<OwnedMutexGuard<()>>, lease: Option<Lease>) -> Self {
        *making.begun() = Some(Instant::now());
        Self {
            making,
            turn,
            lease,
        }
    }

    /// Waits until no other node makes it, for `patience` at most; whether none does now.
    pub(super) async fn lease(
        &mut self,
        behind: &dyn Behind,
        key: &str,
        patience: Duration,
    ) -> bool {
        match lease(behind, key, patience).await {
            Leasing::Alone => true,
            Leasing::Mine(lease) => {
                self.lease = Some(lease);
                true
            }
            Leasing::Taken => false,
        }
    }

    /// Whether those who come meanwhile wait for this one.
    pub fn is_awaited(&self) -> bool {
        self.turn.is_some()
    }

    /// Whether other nodes wait for this one, and may have made it just before.
    pub(super) fn is_leased(&self) -> bool {
        self.lease.is_some()
    }

    /// Says how it went, and lets the next one on.
    pub fn land(self, landed: Landed) {
        let _the_first_counts = self.making.landed.set(landed);
    }
}
