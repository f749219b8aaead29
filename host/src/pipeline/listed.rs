//! Which params a route answers, where it says so itself (rows G3 and SP6).

use std::sync::Arc;

use waystation_rules::caching::params;
use waystation_rules::pattern::RoutePattern;
use waystation_rules::table::Param;

use super::failure::Refusal;
use crate::sandbox::{Asks, Fault, Guest, static_params};

/// Whether a route answers these params: with `DYNAMIC_PARAMS = false`, only those that `generate_static_params` lists. That is asked once.
///
/// # Errors
///
/// What kept it from listing them.
pub(super) async fn answers(
    guest: &Arc<Guest>,
    pattern: &RoutePattern,
    asked: &[Param],
    asks: &Asks,
) -> Result<bool, Refusal> {
    if guest.config().dynamic_params || !guest.lists_params() {
        return Ok(true);
    }
    let list = async || {
        let listed = static_params(guest, asks.clone()).await?;
        params::listed(pattern, listed.unwrap_or_default())
            .map_err(|fault| Fault::Answer(fault.to_string()))
    };
    let listed = guest.listed().get_or_try_init(list).await?;
    Ok(listed.iter().any(|params| params == asked))
}
