//! The tag clock in Redis. What two nodes say of a tag is merged, so that it does not matter who says it first, how often or how late.

use std::collections::HashMap;

use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisError, cmd};
use waystation_rules::caching::{EVERY, Lapse};

use super::super::Clock;
use super::keys::Keys;

/// Tags that are written at once.
const TOGETHER: usize = 256;

/// Sets those tags that still are what they were when they were read, tells everybody, and gives back how many were not.
const WRITE: &str = "
local changed = 0
for i = 2, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  else
    changed = changed + 1
  end
end
redis.call('INCR', KEYS[2])
redis.call('PUBLISH', KEYS[3], ARGV[1])
return changed";

/// Which state the clock in Redis is in; 0 if it has none.
pub(super) async fn version(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
) -> Result<u64, RedisError> {
    let version: Option<u64> = cmd("GET")
        .arg(&keys.version)
        .query_async(connection)
        .await?;
    Ok(version.unwrap_or(0))
}

/// What one of both knows and the other need not or does not.
#[derive(Default)]
pub(super) struct Difference {
    /// What Redis has to be told.
    pub owed: Vec<(String, Lapse)>,
    /// Tags that Redis may forget: so many have lapsed that this node has [folded](waystation_rules::caching::fold) them.
    pub folded: Vec<String>,
}

/// Takes what Redis knows into the clock, and gives back where they differ then.
pub(super) async fn read(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    clock: &Clock,
) -> Result<Difference, RedisError> {
    let told: HashMap<String, String> = cmd("HGETALL")
        .arg(&keys.clock)
        .query_async(connection)
        .await?;
    let told: HashMap<_, _> = told
        .into_iter()
        .map(|(tag, json)| (tag, parsed(&json)))
        .collect();
    for (tag, lapse) in &told {
        clock.merge(tag, lapse);
    }
    let known: HashMap<_, _> = clock.all().into_iter().collect();
    let tags = told.keys().filter(|tag| !known.contains_key(*tag));
    let folded = tags.cloned().collect();
    let every = told.get(EVERY).copied().unwrap_or_default();
    let mut owed: Vec<_> = known.into_iter().collect();
    owed.retain(|(tag, lapse)| told.get(tag) != Some(lapse));
    owed.retain(|(tag, lapse)| tag == EVERY || !every.covers(lapse));
    Ok(Difference { owed, folded })
}

/// Has Redis forget tags.
pub(super) async fn forget(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    tags: &[String],
) -> Result<(), RedisError> {
    for tags in tags.chunks(TOGETHER) {
        let mut forget = cmd("HDEL");
        forget.arg(&keys.clock).arg(tags);
        forget.exec_async(connection).await?;
    }
    Ok(())
}

/// Adds to what Redis knows, and tells the other nodes.
pub(super) async fn write(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    lapses: &[(String, Lapse)],
) -> Result<(), RedisError> {
    for lapses in lapses.chunks(TOGETHER) {
        while !write_some(connection, keys, lapses).await? {}
    }
    Ok(())
}

/// Whether all were written: if not, another node wrote one of them meanwhile.
async fn write_some(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    lapses: &[(String, Lapse)],
) -> Result<bool, RedisError> {
    let tags: Vec<_> = lapses.iter().map(|(tag, _)| tag).collect();
    let known: Vec<Option<String>> = cmd("HMGET")
        .arg(&keys.clock)
        .arg(&tags)
        .query_async(connection)
        .await?;
    let mut write = cmd("EVAL");
    write.arg(WRITE).arg(3);
    write.arg(&keys.clock).arg(&keys.version).arg(&keys.channel);
    write.arg(json(&lapses));
    for ((tag, lapse), known) in lapses.iter().zip(known) {
        let known = known.unwrap_or_default();
        let mut merged = parsed(&known);
        merged.merge(lapse);
        write.arg(tag).arg(known).arg(json(&merged));
    }
    let changed: u64 = write.query_async(connection).await?;
    Ok(changed == 0)
}

/// What another node tells of tags.
pub(super) fn hear(message: &[u8], clock: &Clock) {
    match serde_json::from_slice::<Vec<(String, Lapse)>>(message) {
        Ok(lapses) => lapses
            .iter()
            .for_each(|(tag, lapse)| clock.merge(tag, lapse)),
        Err(error) => tracing::warn!("what another node says of tags cannot be read: {error}"),
    }
}

/// What is no lapse counts as none: it is written over.
fn parsed(json: &str) -> Lapse {
    serde_json::from_str(json).unwrap_or_default()
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("text and numbers are JSON")
}
