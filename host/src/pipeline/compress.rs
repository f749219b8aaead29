//! Sends an answer in the coding that the client likes best.

use http_body::Body as _;
use waystation_rules::compression::{Sent, choose, describe};

use super::admit::content_length;
use super::asked::Asked;
use crate::http::{Response, compressed, empty};

/// Chooses the coding, of an answer that is whole as the handler made it; that of a file to HEAD has the length alone.
pub(super) fn chosen(response: &Response, asked: &Asked) -> Sent {
    let told = asked.is_head().then(|| content_length(response.headers()));
    let length = told.flatten().or(response.body().size_hint().exact());
    choose(
        &asked.headers,
        response.status().as_u16(),
        response.headers(),
        length,
    )
}

/// Codes the body, and says so in the headers. An answer that has become 304, or that has no body for HEAD, is described alike.
pub(super) fn apply(sent: Sent, response: &mut Response, asked: &Asked) {
    describe(sent, response.status().as_u16(), response.headers_mut());
    let Some(coding) = sent.coding else { return };
    let body = std::mem::replace(response.body_mut(), empty());
    if asked.is_head() || body.is_end_stream() {
        return; // nobody has to work for a length that need not be told
    }
    *response.body_mut() = compressed(body, coding);
}
