//! Who may ask a node over TLS, and for how long: bearers of tokens, and those who show a certificate.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use waystation_tests::raw::{Socket, exchange};
use waystation_tests::{Exit, output};

use crate::edge::{Edge, Forged, build, start};
use crate::support::program;

#[tokio::test]
async fn who_shows_a_certificate_of_the_operators_may_deploy_and_nobody_else_without_a_token() {
    let (own, other) = (Authority::new(), Authority::new());
    let node = Node::new(&own);
    let nobody = node.deploy(&[&own.trusting()], "");
    refused(&nobody, "this needs a token that the node knows");
    let stranger = node.deploy(&[&own.trusting(), &other.deployer()], "");
    refused(&stranger, "cannot be reached: ");
    let distrustful = node.deploy(&[&own.deployer()], "");
    refused(&distrustful, "cannot be reached: ");
    assert_eq!(
        node.edge.serves().await,
        "421 no app of this node answers this host"
    );

    let done = node.deploy(&[&own.trusting(), &own.deployer()], "");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(node.edge.serves().await, "one");
    let log = fs::read_to_string(node.edge.data().join("apps/shop/deploy.log")).unwrap();
    assert!(log.contains("\"by\":\"certificate "), "{log}");

    let data = node.edge.data().to_str().unwrap();
    let token = program().line("node token --data").arg(data).run();
    let done = node.deploy(&[&own.trusting()], token.stdout.trim());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let guessed = node.deploy(&[&own.trusting()], "wst_guessed");
    refused(&guessed, "this needs a token that the node knows");
}

#[tokio::test]
async fn the_certificates_of_a_node_can_stand_in_the_settings() {
    let own = Authority::new();
    let node = Node::new(&own);
    let app = Forged::new("two");
    let [_, cert, _, key] = own.deployer();
    fs::copy(own.ca(), app.root().join("ca.pem")).unwrap();
    let settings = format!(
        "[nodes]\nfra = {{ address = {:?}, ca = \"ca.pem\", cert = {cert:?}, key = {key:?} }}\n",
        node.url
    );
    fs::write(app.root().join("waystation.toml"), settings).unwrap();
    let deploy = program().line("deploy --no-wait --app shop --host *");
    let done = deploy.arg(app.root().to_str().unwrap()).run();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(node.edge.serves().await, "two");
    let listed = program()
        .line("releases --app shop")
        .arg(app.root().to_str().unwrap());
    let listed = listed.run();
    let digest = &output::digest(app.root())[..12];
    assert!(
        listed.stdout.contains(&format!("{digest}  active")),
        "{}",
        listed.stdout
    );
}

#[tokio::test]
async fn tokens_go_to_other_machines_only_as_the_operator_says() {
    let folder = tempfile::tempdir().unwrap();
    let open = ["--admin", "0.0.0.0:0"].map(str::to_owned);
    let exit = start(folder.path(), &open).run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr
            .contains("`--admin 0.0.0.0:0` would have tokens sent for all to read"),
        "{}",
        exit.stderr
    );
    let chosen = Edge::with(&["--admin", "0.0.0.0:0", "--admin-cleartext"]);
    assert!(url(&chosen).starts_with("http://0.0.0.0:"));
    let own = Authority::new();
    let [cert, key] = own.node();
    let tls = [
        "--admin",
        "0.0.0.0:0",
        "--admin-cert",
        &cert,
        "--admin-key",
        &key,
    ];
    assert!(url(&Edge::with(&tls)).starts_with("https://0.0.0.0:"));
    let missing = program().line("node --data x --admin-cert a.pem").run();
    assert_eq!(missing.code, Some(2));
}

#[tokio::test]
async fn an_operator_who_does_not_shake_hands_is_left() {
    let own = Authority::new();
    let secured = Node::new(&own);
    let address = secured.url.rsplit('/').next().unwrap().parse().unwrap();
    let plain = exchange(address, "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n").await;
    assert!(
        plain.ends_with("ask for https:// instead of http://\n"),
        "{plain}"
    );
    let mut silent = Socket::open(address).await;
    silent.send("\u{16}\u{3}").await;
    assert_eq!(silent.read_to_end().await, ""); // once it has had its ten seconds
}

#[track_caller]
fn refused(exit: &Exit, words: &str) {
    assert_eq!(exit.code, Some(1), "{words}");
    assert!(exit.stderr.contains(words), "{}", exit.stderr);
}

/// Where a node is deployed to over the network.
fn url(edge: &Edge) -> String {
    let line = edge
        .host
        .wait_for_line("where it is asked", |line| line.contains("Deploy to: http"));
    line.rsplit(' ').next().unwrap().to_owned()
}

/// A node that is asked over TLS.
struct Node {
    edge: Edge,
    url: String,
}

impl Node {
    /// One that trusts whom the authority vouches for.
    fn new(own: &Authority) -> Self {
        let [cert, key] = own.node();
        let edge = Edge::with(&[
            "--admin",
            "127.0.0.1:0",
            "--admin-cert",
            &cert,
            "--admin-key",
            &key,
            "--admin-client-ca",
            &own.ca(),
        ]);
        let url = url(&edge);
        Self { edge, url }
    }

    fn deploy(&self, arguments: &[&[String]], token: &str) -> Exit {
        let command = program().line("deploy --no-wait --app shop --host * --to");
        let command = command.arg(&self.url).arg(build("one").to_str().unwrap());
        let command = command.env("WAYSTATION_TOKEN", token);
        let arguments = arguments.iter().copied().flatten();
        arguments
            .fold(command, |command, text| command.arg(text))
            .run()
    }
}

/// Who vouches for a node and its deployers, with their certificates in files.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        write(folder.path(), "ca.pem", &own.pem());
        for (file, name) in [("node", "127.0.0.1"), ("deployer", "deployer.example")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            let cert = params.signed_by(&key, &own).unwrap();
            write(folder.path(), &format!("{file}.pem"), &cert.pem());
            write(folder.path(), &format!("{file}.key"), &key.serialize_pem());
        }
        Self { folder }
    }

    fn path(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().unwrap().to_owned()
    }

    fn ca(&self) -> String {
        self.path("ca.pem")
    }

    fn node(&self) -> [String; 2] {
        ["node.pem", "node.key"].map(|file| self.path(file))
    }

    /// The arguments that show the deployer's certificate.
    fn deployer(&self) -> [String; 4] {
        let [cert, key] = ["deployer.pem", "deployer.key"].map(|file| self.path(file));
        [
            "--client-cert".to_owned(),
            cert,
            "--client-key".to_owned(),
            key,
        ]
    }

    /// The arguments that trust the node.
    fn trusting(&self) -> [String; 2] {
        ["--ca".to_owned(), self.ca()]
    }
}

fn write(folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).unwrap();
}
