//! Keeps a connection to Redis, a clock that agrees with it and secrets that are the same. Only this connects, so that a server that comes back meets one attempt of
//! each node, not its requests.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, Msg, PushInfo, PushKind, RedisError, cmd};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::super::Clock;
use super::keys::Keys;
use super::lapses::{self, Difference};
use super::link::{ANSWER, Link, is_over};
use super::secrets::{self, Secrets};

/// How long to wait between attempts to connect: longer each time, and each node by itself.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(2);
/// How long connecting, or comparing clocks, may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How often the clocks are compared: a message may have been lost.
const COMPARE: Duration = Duration::from_secs(3);

pub(super) struct Follower {
    pub client: Client,
    pub keys: Arc<Keys>,
    pub link: Arc<Link>,
    pub clock: Arc<Clock>,
    pub secrets: Arc<Secrets>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Redis(#[from] RedisError),

    #[error("it does not answer in time, or its connection broke")]
    Lost,
}

impl From<tokio::time::error::Elapsed> for Ended {
    fn from(_late: tokio::time::error::Elapsed) -> Self {
        Self::Lost
    }
}

/// A connection that answers in time and hears of lapses.
struct Session {
    connection: MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
    /// The version at which the clocks agreed last; nothing if Redis does not know yet what this node does.
    agreed: Option<u64>,
}

impl Follower {
    /// For ever.
    pub(super) async fn run(self) {
        let mut wait = SOONEST;
        let mut is_told = false;
        loop {
            let begun = Instant::now();
            let ended = match self.begin().await {
                Ok(session) => {
                    tracing::info!("answers are shared by {}", self.link.place);
                    is_told = false;
                    self.stay(session).await
                }
                Err(ended) => ended,
            };
            self.link.close();
            if !is_told {
                let ended = self.link.error(ended);
                tracing::warn!("answers are kept in memory alone for now: {ended}");
                is_told = true;
            }
            if LATEST < begun.elapsed() {
                wait = SOONEST;
            }
            sleep(wait.mul_f64(0.5 + jitter())).await;
            wait = LATEST.min(wait * 2);
        }
    }

    async fn begin(&self) -> Result<Session, Ended> {
        let (pushed, pushes) = unbounded_channel();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT))
            .set_push_sender(pushed);
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut connection = timeout(CONNECT, connecting).await??;
        connection.subscribe(&self.keys.channel).await?;
        let ping = cmd("PING");
        timeout(ANSWER, ping.exec_async(&mut connection)).await??;
        let agreed = self.compare(&mut connection).await?;
        self.share(&mut connection).await?;
        Ok(Session {
            connection,
            pushes,
            agreed,
        })
    }

    /// Lets requests use the connection until it ends.
    async fn stay(&self, mut session: Session) -> Ended {
        self.link.open(session.connection.clone());
        let mut compare = interval(COMPARE);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let went_on = tokio::select! {
                push = session.pushes.recv() => self.hear(push),
                () = self.link.lost.notified() => self.link.is_open().then_some(()).ok_or(Ended::Lost),
                () = self.link.owed.notified() => self.compare_again(&mut session, true).await,
                () = self.link.has_secret.notified() => self.share(&mut session.connection).await,
                _ = compare.tick() => self.compare_again(&mut session, false).await,
            };
            if let Err(ended) = went_on {
                return ended;
            }
        }
    }

    fn hear(&self, push: Option<PushInfo>) -> Result<(), Ended> {
        let push = push.ok_or(Ended::Lost)?;
        match push.kind {
            PushKind::Disconnection => Err(Ended::Lost),
            _ => {
                if let Some(message) = Msg::from_push_info(push) {
                    lapses::hear(message.get_payload_bytes(), &self.clock);
                }
                Ok(())
            }
        }
    }

    async fn compare_again(&self, session: &mut Session, is_owed: bool) -> Result<(), Ended> {
        let version = lapses::version(&mut session.connection, &self.keys).await?;
        if is_owed || session.agreed != Some(version) {
            session.agreed = self.compare(&mut session.connection).await?;
        }
        self.share(&mut session.connection).await
    }

    /// Makes the nodes use the same secrets. A Redis that takes nothing leaves each with what it has.
    async fn share(&self, connection: &mut MultiplexedConnection) -> Result<(), Ended> {
        match secrets::share(connection, &self.keys, &self.secrets).await {
            Err(error) if is_over(&error) => Err(error.into()),
            Err(error) => {
                let error = self.link.error(error);
                tracing::debug!("a secret is not shared for now: {error}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Makes the clocks agree. Gives back at which version they did, and nothing if Redis takes nothing, as when it is full.
    async fn compare(&self, connection: &mut MultiplexedConnection) -> Result<Option<u64>, Ended> {
        let version = lapses::version(connection, &self.keys).await?;
        let difference = lapses::read(connection, &self.keys, &self.clock).await?;
        match self.settle(connection, &difference).await {
            Ok(()) => Ok(Some(version)),
            Err(error) if is_over(&error) => Err(error.into()),
            Err(error) => {
                let error = self.link.error(error);
                tracing::warn!("other nodes do not know yet what went out of date here: {error}");
                Ok(None)
            }
        }
    }

    async fn settle(
        &self,
        connection: &mut MultiplexedConnection,
        Difference { owed, folded }: &Difference,
    ) -> Result<(), RedisError> {
        lapses::write(connection, &self.keys, owed).await?;
        lapses::forget(connection, &self.keys, folded).await
    }
}

/// From 0 to 1.
fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}
