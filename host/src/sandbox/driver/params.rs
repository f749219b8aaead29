//! Asks a route which params to make answers for.

use std::sync::Arc;

use wasmtime::component::ComponentExportIndex;
use waystation_rules::table::{Param, ParamValue};

use super::head::failed;
use super::{Execution, turn};
use crate::sandbox::bindings::context;
use crate::sandbox::bindings::outcome::Failure;
use crate::sandbox::fault::Fault;
use crate::sandbox::guest::Guest;
use crate::sandbox::lease::Lease;
use crate::sandbox::outgoing::Asks;

type Listed = (Result<Vec<Vec<context::Param>>, Failure>,);

/// What `generate_static_params` of a route lists; nothing if it has none.
///
/// # Errors
///
/// The [`Fault`] that stopped it.
pub async fn static_params(
    guest: &Arc<Guest>,
    asks: Asks,
) -> Result<Option<Vec<Vec<Param>>>, Fault> {
    if !guest.lists_params() {
        return Ok(None);
    }
    let _turn = turn(guest).await?;
    let ready = guest.ready().await?;
    let Some(function) = ready.lists_params else {
        return Ok(None);
    };
    let asks = asks.for_everybody(Arc::default());
    let mut lease = guest.lease(ready, "static-params", None, asks);
    let mut execution = Execution::of(guest, &lease);
    let limit = guest.config.max_duration;
    let listed = {
        let mut listing = Box::pin(list(&mut lease, &function));
        let listing = std::future::poll_fn(|cx| execution.poll(cx, guest, listing.as_mut()));
        tokio::time::timeout(limit, listing).await
    };
    let listed = listed.map_err(|_| Fault::WallTime(limit))?;
    match listed {
        Ok(Ok(listed)) => Ok(Some(listed)),
        Ok(Err(failure)) => Err(failed(failure)),
        Err(error) => Err(Fault::from_stop(&error, lease.store.data(), guest)),
    }
}

async fn list(
    lease: &mut Lease,
    function: &ComponentExportIndex,
) -> wasmtime::Result<Result<Vec<Vec<Param>>, Failure>> {
    let Lease { store, ready, .. } = lease;
    let instance = ready.pre.instantiate_async(&mut *store).await?;
    let function = instance.get_typed_func::<(), Listed>(&mut *store, function)?;
    let listed = store
        .run_concurrent(async |accessor| function.call_concurrent(accessor, ()).await)
        .await??;
    let of = |params: Vec<_>| params.into_iter().map(param).collect();
    Ok(listed.0.map(|listed| listed.into_iter().map(of).collect()))
}

fn param(param: context::Param) -> Param {
    Param {
        name: param.name,
        value: match param.value {
            context::ParamValue::One(value) => ParamValue::One(value),
            context::ParamValue::Many(values) => ParamValue::Many(values),
        },
    }
}
