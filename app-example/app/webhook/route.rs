//! A webhook whose sender signs the body with HMAC-SHA256.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use waystation::{Error, Request, Response, Result, StatusCode};

/// For the example only: a real secret comes from the environment, never from the source.
const SECRET: &[u8] = b"it is a secret";

pub async fn post(request: Request) -> Response {
    match payload(&request).await {
        Ok(_payload) => Response::text("Success!"),
        Err(error) => Response::text(format!("Webhook error: {error}")).with_status(error.status()),
    }
}

/// The body, once its signature is known to be the sender's.
async fn payload(request: &Request) -> Result<String> {
    let signature = request
        .headers()
        .get("x-signature-256")
        .and_then(|value| value.to_str().ok()?.strip_prefix("sha256="))
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or_else(|| Error::new(StatusCode::BAD_REQUEST, "no signature"))?;
    let text = request.text().await?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET)?;
    mac.update(text.as_bytes());
    // Takes the same time wherever the first difference is.
    mac.verify_slice(&signature)
        .map_err(|_| Error::new(StatusCode::UNAUTHORIZED, "wrong signature"))?;
    Ok(text)
}
