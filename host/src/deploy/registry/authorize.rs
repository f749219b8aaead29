//! Answers a registry that asks who is there: with a name and a password, or with a token that another server gives for them.

use std::sync::atomic::Ordering;

use docker_credential::DockerCredential;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_auth::basic::encode_credentials;
use http_auth::{ChallengeRef, parse_challenges};
use serde::Deserialize;

use super::client::{PATIENCE, Registry};
use super::{RegistryError, credentials};
use crate::http::{Body, empty, whole};

/// Bytes of a token and what is around it.
const MOST: u64 = 256 << 10;

/// How a registry wants to be told.
#[derive(Debug, PartialEq)]
pub(super) enum Challenge {
    /// In each request.
    Basic,
    /// By a token of this server's.
    Bearer {
        /// Its URL.
        realm: String,
        /// What the registry calls itself there.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first of the headers that says how. A token is preferred: it is good for less.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter();
        let texts = texts.filter_map(|text| text.to_str().ok());
        let challenges = texts.filter_map(|text| parse_challenges(text).ok());
        let mut known: Vec<_> = challenges.flatten().filter_map(|one| read(&one)).collect();
        known.sort_by_key(|challenge| *challenge == Self::Basic);
        known.into_iter().next()
    }
}

fn read(challenge: &ChallengeRef<'_>) -> Option<Challenge> {
    let param = |name: &str| {
        let mut params = challenge.params.iter();
        let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_unescaped())
    };
    if challenge.scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    let is_bearer = challenge.scheme.eq_ignore_ascii_case("bearer");
    Some(Challenge::Bearer {
        realm: param("realm").filter(|_| is_bearer)?,
        service: param("service"),
    })
}

/// What a server of tokens answers. Registries use either name.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    /// What the header `Authorization` has to say from now on.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unauthorized`] if there is nobody who could ask, and those of asking for a token.
    pub(super) async fn authorize(
        &self,
        challenge: Challenge,
    ) -> Result<HeaderValue, RegistryError> {
        let credential = credentials::find(self.reference.server()).await?;
        self.had.store(credential.is_some(), Ordering::Relaxed);
        let (realm, service) = match (challenge, &credential) {
            (Challenge::Basic, Some(DockerCredential::UsernamePassword(name, word))) => {
                return self.header(encode_credentials(name, word));
            }
            (Challenge::Basic, _) => return Err(self.unauthorized()),
            (Challenge::Bearer { realm, service }, _) => (realm, service),
        };
        let request = self.token_request(&realm, service.as_deref(), credential.as_ref())?;
        let response = self.ask_once(request, PATIENCE).await?;
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.unauthorized()),
            _ => return Err(self.refused(response).await),
        }
        let text = self.whole(response, MOST).await?;
        let token = serde_json::from_slice::<Token>(&text).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let token = token.ok_or_else(|| self.answer("it gives no token"))?;
        self.header(format!("Bearer {token}"))
    }

    /// Asks for a token: with a name and a password if there are any, or for the one that a login has left.
    fn token_request(
        &self,
        realm: &str,
        service: Option<&str>,
        credential: Option<&DockerCredential>,
    ) -> Result<Request<Body>, RegistryError> {
        let uri = self.parsed(realm)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("scope", &self.scope());
        form.extend_pairs(service.map(|service| ("service", service)));
        let mut request = Request::builder();
        let body = match credential {
            Some(DockerCredential::IdentityToken(token)) => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("client_id", "waystation");
                form.append_pair("refresh_token", token);
                request = request.method(Method::POST).uri(uri);
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                whole(form.finish())
            }
            other => {
                let sign = if realm.contains('?') { '&' } else { '?' };
                request = request.uri(format!("{realm}{sign}{}", form.finish()));
                if let Some(DockerCredential::UsernamePassword(name, word)) = other {
                    let value = self.header(encode_credentials(name, word))?;
                    request = request.header(AUTHORIZATION, value);
                }
                empty()
            }
        };
        let request = request.body(body);
        request.map_err(|_| self.answer("its realm is no URL"))
    }

    fn header(&self, text: String) -> Result<HeaderValue, RegistryError> {
        let value = HeaderValue::try_from(text);
        let mut value =
            value.map_err(|_| self.answer("its token has characters that no token has"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Access;
    use super::*;

    #[test]
    fn a_challenge_says_how_a_registry_wants_to_be_told() {
        check(&["Basic realm=\"a\""], "Some(Basic)");
        let bearer = "Bearer realm=\"https://a.example/token\",service=\"a.example\"";
        let expected =
            "Some(Bearer { realm: \"https://a.example/token\", service: Some(\"a.example\") })";
        check(&[bearer], expected);
        check(&["Basic realm=\"a\"", bearer], expected);
        check(&["Digest realm=\"a\", Basic realm=\"a\""], "Some(Basic)");
        for nothing in ["Bearer", "Negotiate", "", "\"", "Bearer service=\"a\""] {
            check(&[nothing], "None");
        }
    }

    #[test]
    fn a_token_is_asked_for_with_what_a_login_has_left() {
        let name = || "me".to_owned();
        check_request(
            None,
            "GET https://a.example/t?scope=repository%3Ame%2Fshop%3Apull&service=s [] []",
        );
        let login = DockerCredential::UsernamePassword(name(), name());
        let basic = "GET https://a.example/t?scope=repository%3Ame%2Fshop%3Apull&service=s [Basic bWU6bWU=] []";
        check_request(Some(login), basic);
        let left = DockerCredential::IdentityToken(name());
        let form = "POST https://a.example/t [] [scope=repository%3Ame%2Fshop%3Apull&service=s\
                    &grant_type=refresh_token&client_id=waystation&refresh_token=me]";
        check_request(Some(left), form);
    }

    #[track_caller]
    fn check_request(credential: Option<DockerCredential>, expected: &str) {
        let reference = "a.example/me/shop:live".parse().unwrap();
        let registry = Registry::new(&reference, Access::Pull);
        let request = registry.token_request("https://a.example/t", Some("s"), credential.as_ref());
        let (head, body) = request.unwrap().into_parts();
        let authorization = head.headers.get(AUTHORIZATION);
        let authorization = authorization.map_or("", |value| value.to_str().unwrap());
        let Body::Whole(body) = body else {
            panic!("a form is whole")
        };
        let (method, uri, body) = (head.method, head.uri, String::from_utf8_lossy(&body));
        assert_eq!(
            format!("{method} {uri} [{authorization}] [{body}]"),
            expected
        );
    }

    #[track_caller]
    fn check(texts: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, text.parse().unwrap());
        }
        assert_eq!(format!("{:?}", Challenge::of(&headers)), expected);
    }
}
