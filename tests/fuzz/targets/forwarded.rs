//! Nothing that a peer sends panics, and an untrusted peer is itself the client whatever it says.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use waystation_rules::forwarded::{Arrival, Scheme, Trust, settle};

fuzz_target!(|input: (bool, [Vec<&[u8]>; 5])| {
    let (is_trusted, [forwarded, chain, host, port, proto]) = input;
    let proxies = ["10.0.0.0/8".to_owned()];
    let trust = Trust::new(&proxies, &["example.com".to_owned()]).expect("a range and a host");
    let peer: IpAddr = if is_trusted {
        [10, 0, 0, 1]
    } else {
        [192, 0, 2, 1]
    }
    .into();
    let arrival = Arrival {
        peer,
        scheme: Scheme::Http,
        host: "shop.test",
        forwarded: &forwarded,
        x_forwarded_for: &chain,
        x_forwarded_host: &host,
        x_forwarded_port: &port,
        x_forwarded_proto: &proto,
    };
    match settle(&arrival, &trust) {
        Ok(settled) if !is_trusted => {
            assert_eq!(
                (settled.client, settled.host.as_str(), settled.is_vouched),
                (peer, "shop.test", false)
            );
        }
        Ok(settled) => {
            assert!(settled.host == "shop.test" || settled.host.starts_with("example.com"));
            for (name, value) in settled.headers() {
                assert!(value.to_str().is_ok(), "{name}: {value:?}");
            }
        }
        Err(error) => assert!(is_trusted, "{error}"),
    }
});
