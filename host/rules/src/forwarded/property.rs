//! What holds of every request, whatever its peer sends.

use proptest::prelude::*;

use super::tests::{arrival, arrive, trust};
use super::{HEADERS, settle};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever the bytes: no panic; headers that can be sent; from a peer that is not trusted, the answer without them.
    #[test]
    fn any_bytes_are_settled_or_refused(
        lines in prop::collection::vec((0_usize..5, prop_oneof![
            prop::collection::vec(any::<u8>(), 0..24),
            "[a-f0-9.:,;=\\[\\]\" _\\\\]{0,24}|(for|host|proto)=[0-9a-f.:\"\\[\\],;]{0,16}".prop_map(String::into_bytes),
        ]), 0..5),
        peer in prop::sample::select(vec!["10.0.0.1", "fd00::1", "198.51.100.7"]),
    ) {
        let of = |header: usize| lines.iter().filter(|(of, _)| *of == header).map(|(_, line)| &**line).collect::<Vec<_>>();
        let headers = [of(0), of(1), of(2), of(3), of(4)];
        let arrival = arrival(peer, &headers);
        match settle(&arrival, &trust()) {
            Err(_) => prop_assert_ne!(peer, "198.51.100.7"),
            Ok(settled) => {
                if peer == "198.51.100.7" {
                    let bare = arrive(peer, "", |arrival| settle(arrival, &trust()).unwrap());
                    prop_assert_eq!(&settled, &bare);
                }
                prop_assert_eq!(settled.headers().count(), HEADERS.len());
                for (_, value) in settled.headers() {
                    prop_assert!(value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~')), "{:?}", value);
                }
                prop_assert!(["here.example:3000", "api.example:444"].contains(&&*settled.host)
                    || settled.host.starts_with("shop.example"));
            }
        }
    }
}
