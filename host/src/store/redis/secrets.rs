//! Secrets that the nodes of an app share.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisError, cmd};

use super::super::Secret;
use super::MONTH;
use super::keys::Keys;
use super::link::is_over;

/// Gives what nodes share under a name, and shares the offer if that is nothing or no secret. It is there for another month then, which is
/// written once an hour.
const SHARE: &str = "
local told = redis.call('GET', KEYS[1])
if told and #told == 64 and string.match(told, '^%x+$') then
  if redis.call('PTTL', KEYS[1]) < ARGV[2] - 3600000 then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
  end
  return told
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]";

/// Those that are shared as long as somebody has them.
#[derive(Default)]
pub(super) struct Secrets(Mutex<Vec<Weak<Secret>>>);

impl Secrets {
    pub(super) fn add(&self, secret: &Arc<Secret>) {
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets
            .retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), &**secret));
        secrets.push(Arc::downgrade(secret));
    }

    fn all(&self) -> Vec<Arc<Secret>> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Makes this node use what the others use, or the others what this one does. One that cannot be shared does not keep the others from it.
///
/// # Errors
///
/// The last one.
pub(super) async fn share(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    secrets: &Secrets,
) -> Result<(), RedisError> {
    let mut done = Ok(());
    for secret in secrets.all() {
        let Some(offer) = secret.offer() else {
            continue;
        };
        let mut eval = cmd("EVAL");
        eval.arg(SHARE).arg(1).arg(keys.secret(secret.name()));
        eval.arg(offer).arg(MONTH);
        match eval.query_async(connection).await {
            Ok(told) => secret.learn(told),
            Err(error) if is_over(&error) => return Err(error),
            Err(error) => done = Err(error),
        }
    }
    done
}
