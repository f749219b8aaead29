//! What stands in for the host while a handler is tested: the clock, chance, and what answers its outgoing requests.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::network::Network;
use crate::error::Result;
use crate::response::Response;

/// The surroundings of one request.
#[derive(Debug)]
pub(crate) struct World {
    clock: Cell<SystemTime>,
    chance: Cell<u64>,
    network: Network,
}

/// Seconds from 1970 to the first day of 2026, in UTC.
const NEW_YEAR_2026: Duration = Duration::from_secs(1_767_225_600);

impl Default for World {
    fn default() -> Self {
        let network = Network::default();
        Self::new(SystemTime::UNIX_EPOCH + NEW_YEAR_2026, 0, network)
    }
}

impl World {
    pub(crate) fn new(time: SystemTime, seed: u64, network: Network) -> Self {
        let (clock, chance) = (Cell::new(time), Cell::new(seed));
        Self {
            clock,
            chance,
            network,
        }
    }

    /// What the test answers to a request of the handler's.
    pub(crate) fn fetch(&self, request: http::Request<Bytes>) -> Result<Response> {
        self.network.answer(request)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.get()
    }

    /// Sets the clock forward at once, so that no test waits.
    pub(crate) fn sleep(&self, duration: Duration) {
        self.clock.set(self.clock.get() + duration);
    }

    /// The next number of SplitMix64: for tests, never for a token.
    pub(crate) fn random(&self) -> u64 {
        let state = self.chance.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.chance.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
