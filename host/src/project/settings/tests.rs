use std::num::NonZeroU32;
use std::time::Duration;

use waystation_rules::segment;

use super::*;
use crate::telemetry::Format;

#[test]
fn a_password_is_noticed() {
    let says = |redis: &str| {
        let text = format!("[cache]\nredis = \"{redis}\"\n");
        Settings::parse(&text).unwrap().cache.says_a_password()
    };
    assert!(says("redis://:hunter2@10.0.0.1:6379/0"));
    assert!(!says("redis://10.0.0.1:6379/@") && !says("$REDIS_URL"));
    assert!(!Settings::default().cache.says_a_password());
}

#[test]
fn no_file_is_every_default() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Settings::read(folder.path()).unwrap(), Settings::default());
}

#[test]
fn every_key_is_read() {
    let text = "trailing_slash = true\ncompression = false\n[server]\nhost = '::1'\nport = 80\nstatus = '127.0.0.1:9464'\ntls = [{ cert = 'a.pem', key = 'a.key' }]\n[log]\nformat = 'json'\n[limits]\nmax_duration = 5\nbody_limit = 0";
    let settings = Settings::parse(text).unwrap();
    assert_eq!(
        settings.server,
        Server {
            host: Some("::1".to_owned()),
            port: Some(80),
            status: Some("127.0.0.1:9464".parse().unwrap()),
            guest_memory_mb: None,
            tls: vec![Certificate {
                cert: "a.pem".into(),
                key: "a.key".into()
            }]
        }
    );
    assert_eq!(settings.log.format, Some(Format::Json));
    assert_eq!(settings.limits.max_duration.map(NonZeroU32::get), Some(5));
    assert!(settings.trailing_slash);
    assert_eq!(settings.compression, Some(false));
}

#[test]
fn limits_that_are_set_win_over_the_defaults() {
    let settings = Settings::parse("limits = { memory_mb = 64, cpu_ms = 50 }").unwrap();
    let defaults = segment::Limits::default();
    let expected = segment::Limits {
        memory: 64 << 20,
        cpu: Duration::from_millis(50),
        ..defaults.clone()
    };
    assert_eq!(settings.limits.over(defaults), expected);
}

#[test]
fn a_slip_names_the_key_that_was_meant() {
    check(
        "[server]\nprot = 80",
        "`prot` is not a setting here\n  --> waystation.toml:2:1\n\nhint: did you mean `port`?",
    );
    check(
        "[limit]\ncpu_ms = 80",
        "`limit` is not a setting here\n  --> waystation.toml:1:2\n\nhint: did you mean `limits`?",
    );
    check(
        "colour = 1",
        "`colour` is not a setting here\n  --> waystation.toml:1:1\n\nhint: the settings here are server, log, limits, outbound, cache, trailing_slash, compression, base_path, headers, redirects, rewrites, trusted_proxies, hosts, env, nodes, checks",
    );
}

#[test]
fn a_rule_is_read_and_compiled() {
    let text = "base_path = '/docs'\ntrusted_proxies = ['10.0.0.0/8']\nhosts = ['example.com']\n\
                [[redirects]]\nsource = '/a/:b'\ndestination = '/c/:b'\npermanent = true\n\
                [[rewrites.fallback]]\nsource = '/:path*'\ndestination = '/all/:path*'";
    let settings = Settings::parse(text).unwrap();
    assert_eq!(settings.redirects.len(), 1);
    assert_eq!(settings.rules().unwrap().fallback().len(), 1);
    assert_ne!(settings.trust().unwrap(), Trust::default());
}

#[test]
fn a_slip_in_a_rule_names_the_key_that_was_meant() {
    check(
        "[[redirects]]\nsource = '/a'\ndestination = '/b'\npermanant = true",
        "`permanant` is not a setting here\n  --> waystation.toml:4:1\n\nhint: did you mean `permanent`?",
    );
    check(
        "[[rewrites.after_fils]]\nsource = '/a'",
        "`after_fils` is not a setting here\n  --> waystation.toml:1:12\n\nhint: did you mean `after_files`?",
    );
    check(
        "[[headers]]\nsource = '/a'\nheaders = []\nhas = [{ type = 'host', valeu = 'a' }]",
        "`valeu` is not a setting here\n  --> waystation.toml:4:25\n\nhint: did you mean `value`?",
    );
}

#[test]
fn every_fault_of_the_rules_is_told() {
    check(
        "[[redirects]]\nsource = 'a'\ndestination = '/b'",
        "`redirects[0].source`: `a` does not start with a slash; write `/a`\n  --> waystation.toml:2:10\n\nerror: \
         `redirects[0].permanent`: it is missing; write `permanent = true` for 308, which browsers keep, or `permanent = false` for 307\n  --> waystation.toml:1:1",
    );
    check(
        "[outbound]\nhosts = ['api.example.com']",
        "`outbound.hosts[0]`: `api.example.com` is no server; write one such as `https://api.example.com`, `https://*.example.com` or `http://localhost:*`\n  --> waystation.toml:2:10",
    );
    check(
        "base_path = '/docs/'",
        "`base_path` is `/docs/`; write it `/docs`\n  --> waystation.toml:1:13",
    );
    check(
        "env = ['A', 'WAYSTATION_TOKEN']",
        "`env[1]`: `WAYSTATION_TOKEN` is the host's own, and guests see none that begin with `WAYSTATION_`; give it another name\n  --> waystation.toml:1:13",
    );
    check(
        "hosts = ['a', 'b c']",
        "`hosts[1]`: `b c` is no host name; write one such as `example.com`, with a port if only that one counts\n  --> waystation.toml:1:15",
    );
}

#[test]
fn a_route_may_have_less_than_its_app() {
    let text = "[limits]\ncpu_ms = 500\nfetches = 2\n[limits.routes.'/a/[b]']\ncpu_ms = 50\nmemory_mb = 1\n";
    let settings = Settings::parse(text).unwrap();
    let limits = settings.limits.of_app(segment::Limits::default());
    let of = |route: &str| {
        let limits = limits.of(route);
        (limits.cpu.as_millis(), limits.memory >> 20, limits.fetches)
    };
    assert_eq!(of("/a/[b]"), (50, 1, 2));
    assert_eq!(of("/a"), (500, 128, 2));
    check(
        "[limits]\ncpu_ms = 500\n[limits.routes.'/a/[b]']\ncpu_ms = 501",
        "`limits.routes.\"/a/[b]\".cpu_ms` is 501, and `limits.cpu_ms` gives 500 at most\n  --> waystation.toml:4:10",
    );
    check(
        "[limits.routes.'/a']\nconcurrency = 10",
        "`limits.routes.\"/a\".concurrency` is no limit of a route; `[limits]` has it for the whole app\n  --> waystation.toml:2:15",
    );
    let there = |routes: &[&str]| {
        let routes: Vec<_> = routes.iter().map(ToString::to_string).collect();
        settings
            .limits
            .check_routes(&routes)
            .map_err(|error| error.to_string())
    };
    assert_eq!(there(&["/", "/a/[b]"]), Ok(()));
    assert_eq!(
        there(&["/", "/a/[c]"]).unwrap_err(),
        "`limits.routes.\"/a/[b]\"` is for a route that is not there\n  --> waystation.toml\n\nhint: did you mean `/a/[c]`?"
    );
}

#[test]
fn a_wrong_value_says_what_it_should_be() {
    check(
        "[server]\nport = 'x'",
        "invalid type: string \"x\", expected u16\n  --> waystation.toml:2:8",
    );
    check(
        "[limits]\ncpu_ms = 0",
        "invalid value: integer `0`, expected a nonzero u32\n  --> waystation.toml:2:10",
    );
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(Settings::parse(text).unwrap_err().to_string(), expected);
}
