//! Requests over TLS: a server is asked if the system trusts its certificate, and the certificate is the server's own.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use waystation_tests::Client;
use waystation_tests::upstream::{Served, Upstream, served};

use crate::support::{program, turn};

/// Says what it got, or the kind of error.
const ASK: &str = r#"use waystation::fetch::FetchError;
use waystation::{Request, Result, fetch};

pub async fn get(request: Request) -> Result<String> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    match fetch(url).await {
        Ok(answer) => answer.text().await,
        Err(error) => Ok(format!("{:?}", error.downcast_ref::<FetchError>().map(FetchError::kind))),
    }
}
"#;

async fn answer(request: Request<Incoming>) -> Served {
    served(200, &[], format!("over {:?}", request.version()))
}

#[tokio::test]
async fn only_a_server_with_a_trusted_certificate_of_its_own_is_asked() {
    let [trusted, stranger] = ["localhost"; 2].map(certificate);
    let misnamed = certificate("api.example.com");
    let system = format!("{}{}", trusted.cert.pem(), misnamed.cert.pem());
    let servers = [&trusted, &stranger, &misnamed].map(|own| Upstream::tls(config(own), answer));
    let [trusted, stranger, misnamed] = servers;
    let [trusted, stranger, misnamed] = [trusted.await, stranger.await, misnamed.await];
    let plain = Upstream::new(answer).await;

    let turn = turn().await;
    let toml = format!(
        "[outbound]\nhosts = [\"https://localhost:*\"]\n\n\
         [[rewrites.fallback]]\nsource = \"/trusted\"\ndestination = \"https://localhost:{}/\"\n\n\
         [[rewrites.fallback]]\nsource = \"/stranger\"\ndestination = \"https://localhost:{}/\"\n",
        trusted.port(),
        stranger.port()
    );
    let app = turn.app(&[
        ("waystation.toml", &toml),
        ("app/ask/route.rs", ASK),
        ("system.pem", &system),
    ]);
    let program = program().with("SSL_CERT_FILE", app.path("system.pem"));
    let host = program.with("SSL_CERT_DIR", "").dev(app.root());
    let client = Client::new(host.address());

    for (server, expected) in [
        (&trusted, "200 over HTTP/2.0"),
        (&stranger, "200 Some(Tls)"),
        (&misnamed, "200 Some(Tls)"),
        (&plain, "200 Some(Tls)"),
    ] {
        let path = format!("/ask?url=https://localhost:{}/", server.port());
        assert_eq!(client.get(&path).await.line(), expected);
    }
    assert_eq!(client.get("/trusted").await.line(), "200 over HTTP/2.0");
    let refused = client.get("/stranger").await;
    assert_eq!(refused.status, 502);
    assert!(
        refused.text().contains("TLS certificate error"),
        "{}",
        refused.text()
    );
    for unasked in [&stranger, &misnamed, &plain] {
        assert!(unasked.heads().is_empty(), "{:?}", unasked.heads());
    }
}

/// A certificate that vouches for itself.
pub(crate) fn certificate(name: &str) -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// A server's that shows it.
pub(crate) fn config(own: &CertifiedKey<KeyPair>) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth();
    let mut config = config
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    Arc::new(config)
}
