//! The connection while it is good. A server that is gone or slow costs one wait: after that nobody asks it until [`follow`](super::follow)
//! has found it well again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, FromRedisValue, RedisError};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::super::BehindError;

/// How long a request waits for an answer. A server that takes longer is not asked any more.
pub(super) const ANSWER: Duration = Duration::from_millis(35);

pub(super) struct Link {
    /// Without a password.
    pub place: String,
    current: Mutex<Current>,
    /// Notified when the connection is given up.
    pub lost: Notify,
    /// Notified when Redis was not told of a lapse.
    pub owed: Notify,
    /// Notified when there is a secret to share.
    pub has_secret: Notify,
    /// Whether there was a connection yet.
    opened: watch::Sender<bool>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts connections: what went wrong with one is not held against the next.
    number: u64,
}

/// Whether a connection is of no more use after that.
pub(super) fn is_over(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_timeout()
}

impl Link {
    pub(super) fn new(place: String) -> Self {
        Self {
            place,
            current: Mutex::default(),
            lost: Notify::new(),
            owed: Notify::new(),
            has_secret: Notify::new(),
            opened: watch::Sender::new(false),
        }
    }

    /// From now on `connection` is asked.
    pub(super) fn open(&self, connection: MultiplexedConnection) {
        let mut current = self.current();
        current.number += 1;
        current.connection = Some(connection);
        self.opened.send_replace(true);
    }

    /// Waits for the first connection.
    pub(super) async fn opened(&self) {
        let mut opened = self.opened.subscribe();
        let is_opened = opened.wait_for(|is_opened| *is_opened).await;
        is_opened.expect("this is the sender");
    }

    /// Nobody asks any more.
    pub(super) fn close(&self) {
        self.current().connection = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.current().connection.is_some()
    }

    /// Asks one thing. It answers within [`ANSWER`] or fails, at once while there is no connection.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, BehindError> {
        self.within_answer(async |mut connection| command.query_async(&mut connection).await)
            .await
    }

    /// Asks several things, for which there is as much time as for one.
    pub(super) async fn within_answer<T>(
        &self,
        ask: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, BehindError> {
        let (connection, number) = {
            let current = self.current();
            (current.connection.clone(), current.number)
        };
        let connection = connection.ok_or_else(|| self.error("it does not answer for now"))?;
        match timeout(ANSWER, ask(connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if is_over(&error) {
                    self.give_up(number);
                }
                Err(self.error(error))
            }
            Err(_late) => {
                self.give_up(number);
                Err(self.error(format_args!("no answer within {ANSWER:?}")))
            }
        }
    }

    fn give_up(&self, number: u64) {
        let mut current = self.current();
        if current.number == number && current.connection.take().is_some() {
            self.lost.notify_one();
        }
    }

    pub(super) fn error(&self, reason: impl std::fmt::Display) -> BehindError {
        BehindError {
            place: self.place.clone(),
            reason: reason.to_string(),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
