//! Reads `Accept-Encoding` (RFC 9110, 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::Coding;
use crate::finish::words;

/// How much a client likes each coding, in thousandths.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    codings: [Option<u16>; Coding::ALL.len()],
    /// The bytes as they are.
    identity: Option<u16>,
    /// Each that is not named.
    others: Option<u16>,
}

impl Accepted {
    /// Nothing but the bytes as they are without the header.
    pub(super) fn of(asked: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        for item in asked.get_all(ACCEPT_ENCODING).iter().flat_map(words) {
            accepted.add(item);
        }
        accepted
    }

    /// A weight that is none spoils its item, not the others.
    fn add(&mut self, item: &str) {
        let (name, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
        let Some(weight) = weight(parameter.trim()) else {
            return;
        };
        let is = |other: &str| name.trim().eq_ignore_ascii_case(other);
        let is_coding = |coding: &Coding| {
            is(coding.name()) || (*coding == Coding::Gzip && is("x-gzip")) // RFC 9110, 8.4.1.3
        };
        if is("*") {
            self.others = Some(weight);
        } else if is("identity") {
            self.identity = Some(weight);
        } else if let Some(at) = Coding::ALL.iter().position(is_coding) {
            self.codings[at] = Some(weight);
        }
    }

    /// Whether the bytes as they are will not do.
    pub(super) fn refuses_identity(&self) -> bool {
        self.identity.or(self.others) == Some(0)
    }

    /// The coding that the client likes best, if it does not like the bytes as they are better.
    pub(super) fn best(&self) -> Option<Coding> {
        let weights = self.codings.map(|named| named.or(self.others).unwrap_or(0));
        let best = *weights.iter().max()?;
        if best == 0 || best < self.identity.unwrap_or(0) {
            return None;
        }
        let at = weights.iter().position(|&weight| weight == best)?;
        Some(Coding::ALL[at])
    }
}

/// `q=0.5` is 500.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let value: f32 = value.trim().parse().ok()?;
    let is_weight = name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&value);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is 0 to 1000"
    )]
    is_weight.then_some((value * 1000.0).round() as u16)
}
