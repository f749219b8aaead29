//! `start` over TLS: the protocols, the certificate for each host name, and new ones without a restart.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Version;
use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use waystation_tests::raw::{Socket, exchange};
use waystation_tests::{Command, Host, Sender, wait_for};

use crate::edge;
use crate::support::{production, program};

#[tokio::test]
async fn both_protocols_are_spoken_and_urls_begin_with_https() {
    let own = Own::new("a", "a.example");
    let host = serve(&[&own]);
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut sender = connect(&host, version, "a.example", &[&own]).await.unwrap();
        for _ in 0..2 {
            let answer = sender.ask("GET", "/request/url", &[], "").await.unwrap();
            let port = host.address().port();
            assert_eq!(
                answer.line(),
                format!("200 https://localhost:{port}/request/url")
            );
        }
    }
    let started = host.wait_for_line("where it serves", |line| line.contains(" serves "));
    assert!(started.contains(" on https://localhost:"), "{started}");
}

#[tokio::test]
async fn a_client_is_shown_the_certificate_of_the_host_name_it_asks_for() {
    let [a, b] =
        [("a", "a.example"), ("b", "*.b.example")].map(|(file, name)| Own::new(file, name));
    let host = serve(&[&a, &b]);
    for (name, own, other) in [("a.example", &a, &b), ("www.b.example", &b, &a)] {
        assert!(connect(&host, Version::HTTP_2, name, &[own]).await.is_ok());
        let untrusted = connect(&host, Version::HTTP_2, name, &[other]).await;
        assert!(untrusted.is_err(), "{name} got the other certificate");
    }
    let unknown = connect(&host, Version::HTTP_2, "c.example", &[&a, &b]).await;
    let error = unknown.err().unwrap().to_string();
    assert!(error.contains("a.example"), "not the first one: {error}");
}

#[tokio::test]
async fn a_request_for_a_host_that_has_another_certificate_is_misdirected() {
    let [a, b] =
        [("a", "*.a.example"), ("b", "b.example")].map(|(file, name)| Own::new(file, name));
    let host = serve(&[&a, &b]);
    let mut sender = connect(&host, Version::HTTP_11, "www.a.example", &[&a])
        .await
        .unwrap();
    let misdirected = "421 this connection was made for another host";
    for (asked, expected) in [
        ("b.example", misdirected),
        ("B.example:443", misdirected),
        ("www.a.example", "200 hello"),
        ("WWW.a.example:443", "200 hello"),
        ("other.a.example", "200 hello"), // the same certificate
        ("unknown.example", "200 hello"), // no certificate is for it
    ] {
        let answer = sender.ask("GET", "/hello", &[("host", asked)], "").await;
        assert_eq!(answer.unwrap().line(), expected, "{asked}");
    }
}

#[tokio::test]
async fn new_certificates_are_shown_and_no_connection_ends() {
    let old = Own::new("own", "a.example");
    let host = serve(&[&old]);
    let mut open = connect(&host, Version::HTTP_11, "a.example", &[&old])
        .await
        .unwrap();
    let new = old.renewed();
    new.write();
    shows(&host, &new).await;

    fs::write(&new.key, "a slip").unwrap();
    host.wait_for_line("what is wrong", |line| {
        line.contains("own.key: holds nothing of its kind in PEM")
    });
    host.wait_for_line("that it goes on", |line| {
        line.contains("the certificate from before is still shown")
    });
    shows(&host, &new).await;
    let newest = new.renewed();
    newest.write();
    host.hang_up(); // takes it up at once
    shows(&host, &newest).await;
    let untrusted = connect(&host, Version::HTTP_11, "a.example", &[&old]).await;
    assert!(untrusted.is_err(), "the old one is still shown");
    let answer = open.ask("GET", "/hello", &[], "").await.unwrap();
    assert_eq!(answer.line(), "200 hello");
}

#[tokio::test]
async fn a_node_speaks_tls_too_and_counts_for_each_app() {
    let own = Own::new("a", "a.example");
    let data = tempfile::tempdir().unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let flags = [
        "--cert".to_owned(),
        text(&own.cert),
        "--key".to_owned(),
        text(&own.key),
    ];
    let host = edge::start(data.path(), &flags).serve();
    let socket = format!("unix:{}", text(&data.path().join("admin.sock")));
    let deploy = program().line("deploy --no-wait --app shop --host a.example --to");
    let exit = deploy.arg(&socket).arg(&text(&edge::build("one"))).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let mut sender = connect(&host, Version::HTTP_11, "a.example", &[&own])
        .await
        .unwrap();
    let answer = sender.ask("GET", "/version", &[("host", "a.example")], "");
    assert_eq!(edge::named(&answer.await.unwrap().line()), "one");
    let metrics = edge::metrics(data.path()).await;
    let counted = |line: &str| line.contains("app=\"shop\"") && line.contains("route=\"/version\"");
    assert!(metrics.lines().any(counted), "{metrics}");
}

#[tokio::test]
async fn what_is_not_tls_gets_an_answer_or_a_clean_end() {
    let own = Own::new("own", "a.example");
    let mut host = serve(&[&own]);
    let plain = exchange(host.address(), "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{plain}");
    assert!(
        plain.ends_with("ask for https:// instead of http://\n"),
        "{plain}"
    );
    let long = format!("POST / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    let mut socket = Socket::open(host.address()).await;
    socket.send(&long.as_bytes()[..32 << 10]).await;
    assert!(socket.read_until("http://\n").await.contains(" 400 "));
    let alert = exchange(host.address(), "\0\0\0").await;
    assert!(alert.starts_with("\u{15}\u{3}"), "{alert:?}"); // TLS's own answer

    let mut silent = Socket::open(host.address()).await;
    let mut slow = Socket::open(host.address()).await;
    slow.send("\u{16}\u{3}").await;
    assert_eq!(slow.read_to_end().await, ""); // once it has had its ten seconds
    assert!(
        connect(&host, Version::HTTP_2, "a.example", &[&own])
            .await
            .is_ok()
    );
    host.terminate();
    assert_eq!(silent.read_to_end().await, "");
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

#[tokio::test]
async fn a_request_under_way_over_tls_is_finished() {
    let own = Own::new("own", "a.example");
    let mut host = serve(&[&own]);
    let mut idle = connect(&host, Version::HTTP_2, "a.example", &[&own])
        .await
        .unwrap();
    idle.ask("GET", "/hello", &[], "").await.unwrap();
    let mut slow = connect(&host, Version::HTTP_11, "a.example", &[&own])
        .await
        .unwrap();
    let slow = tokio::spawn(async move { slow.ask("GET", "/slow?ms=2000", &[], "").await });
    wait_for("the guest runs", async || {
        host.stderr().contains("going to sleep").then_some(())
    })
    .await;
    host.terminate();
    wait_for("the idle connection closes", async || {
        idle.is_closed().then_some(())
    })
    .await;
    assert_eq!(slow.await.unwrap().unwrap().line(), "200 slept");
    assert_eq!(host.wait_for_exit().code(), Some(0), "{}", host.stderr());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let [own, other] = ["a", "b"].map(|file| Own::new(file, "a.example"));
    let (key, missing) = (other.key.to_str().unwrap(), "/nowhere/a.pem");
    for (cert, key, expected) in [
        (own.cert.to_str().unwrap(), key, " do not fit: "),
        (missing, key, "/nowhere/a.pem: No such file or directory"),
    ] {
        let start = program().command("start", production().root());
        let exit = start.arg("--cert").arg(cert).arg("--key").arg(key).run();
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        assert!(exit.stderr.contains(expected), "{}", exit.stderr);
    }
    let start = program().command("start", production().root());
    assert_eq!(start.arg("--cert").arg(missing).run().code, Some(2));
}

/// A certificate that vouches for itself, in files of its own.
struct Own {
    name: String,
    pair: CertifiedKey<KeyPair>,
    folder: Arc<tempfile::TempDir>,
    cert: PathBuf,
    key: PathBuf,
}

impl Own {
    fn new(file: &str, name: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let path = |extension| folder.path().join(file).with_extension(extension);
        let own = Self {
            name: name.to_owned(),
            pair: pair(name),
            cert: path("pem"),
            key: path("key"),
            folder,
        };
        own.write();
        own
    }

    /// Another for the same name, which is not in the files yet.
    fn renewed(&self) -> Self {
        Self {
            name: self.name.clone(),
            pair: pair(&self.name),
            folder: Arc::clone(&self.folder),
            cert: self.cert.clone(),
            key: self.key.clone(),
        }
    }

    /// Moves it to its files, one after the other, as renewals do.
    fn write(&self) {
        let texts = [
            (&self.cert, self.pair.cert.pem()),
            (&self.key, self.pair.signing_key.serialize_pem()),
        ];
        for (file, text) in texts {
            let aside = self.folder.path().join("aside");
            fs::write(&aside, text).unwrap();
            fs::rename(aside, file).unwrap();
        }
    }
}

fn pair(name: &str) -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// `start` with these certificates.
fn serve(owns: &[&Own]) -> Host {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let with = |command: Command, own: &&Own| {
        let command = command.arg("--cert").arg(&text(&own.cert));
        command.arg("--key").arg(&text(&own.key))
    };
    let command = program().command("start", production().root());
    owns.iter().fold(command, with).on_a_free_port().serve()
}

/// Waits until a new connection is shown this certificate.
async fn shows(host: &Host, own: &Own) {
    wait_for("it shows the new certificate", async || {
        let sender = connect(host, Version::HTTP_2, &own.name, &[own]).await;
        sender.is_ok().then_some(())
    })
    .await;
}

/// Connects to a host by name, if its certificate is one of the trusted.
async fn connect(
    host: &Host,
    version: Version,
    name: &str,
    trusted: &[&Own],
) -> anyhow::Result<Sender> {
    let mut roots = RootCertStore::empty();
    for own in trusted {
        roots.add(own.pair.cert.der().clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    let protocol: &[u8] = match version {
        Version::HTTP_2 => b"h2",
        _ => b"http/1.1",
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let address: SocketAddr = host.address();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned())?;
    let authority = format!("{}:{}", name.to_str(), address.port());
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    Sender::over(stream, version, "https", authority).await
}
