//! Where a node is, and where routes would like to be (row G6).

use serde_json::json;
use waystation_tests::Client;

use crate::edge::{Edge, Forged, build};
use crate::support::program;

#[tokio::test]
async fn a_node_says_where_it_is_and_who_deploys_is_told_of_routes_that_would_rather_be_elsewhere()
{
    let [fra, iad] = ["fra1", "iad1"].map(|region| Edge::with(&["--region", region]));
    let silent = Edge::new();
    let choosy = Forged::new("one");
    choosy.edit(|manifest| {
        for (route, wish) in manifest["routes"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .zip([json!(["fra1", "ams1"]), json!(["auto"])])
        {
            route["config"]["preferredRegion"] = wish;
        }
    });
    let deploy = |edges: &[&Edge]| {
        let sockets: Vec<_> = edges.iter().map(|edge| edge.socket()).collect();
        let line = program().line("deploy --no-wait --app shop --host * --to");
        let line = line.arg(&sockets.join(","));
        let exit = line.arg(choosy.root().to_str().unwrap()).run();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        exit.stderr
    };
    let words = "prefers fra1 or ams1, where none of these nodes is";
    let told = deploy(&[&iad]);
    assert_eq!(told.matches(words).count(), 1, "{told}");
    for nodes in [&[&iad, &fra][..], &[&iad, &silent], &[&silent]] {
        let told = deploy(nodes);
        assert!(!told.contains("prefers"), "{told}");
    }

    for (edge, expected) in [(&fra, "fra1"), (&silent, "")] {
        let client = Client::new(edge.host.address());
        for (path, status) in [("/version", 200), ("/nothing", 404)] {
            let answer = client.get(path).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("x-waystation-region"), expected, "{path}");
        }
    }
    assert_eq!(fra.client().get("/greeting").await.line(), "200 fra1");
    let listed = fra.command("releases", &build("one")).run().stdout;
    assert!(listed.contains(" in fra1, *"), "{listed}");
    let wrong = program().line("node --data x --region auto").run();
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}
