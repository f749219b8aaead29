//! Has the test answer a request, in place of a host.

use super::{Fetched, Whole};
use crate::ambient;
use crate::error::Result;
use crate::incoming::Incoming;

/// Asks the test. Redirects are answers.
pub(super) async fn send(request: Whole) -> Result<Fetched> {
    let address = request.address;
    let mut asked = http::Request::new(request.body.bytes().await?);
    *asked.method_mut() = request.method;
    *asked.headers_mut() = request.headers;
    *asked.uri_mut() = address.to_string().parse()?;
    let (status, headers, body) = ambient::world().fetch(asked)?.into_parts();
    Ok(Fetched {
        status,
        headers,
        address,
        is_redirected: false,
        body: Incoming::Whole(body.bytes().await?),
    })
}
