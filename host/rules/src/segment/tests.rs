use super::*;

#[test]
fn a_route_that_says_nothing_gets_the_defaults() {
    check("{}", &settled()); // G1 to G7
}

#[test]
fn a_route_says_what_it_wants() {
    check(
        r#"{"dynamic":"force-static","dynamicParams":false,"revalidate":60,"fetchCache":"force-cache","runtime":"edge",
            "preferredRegion":["fra1"],"maxDuration":20,"isolation":"shared","cpuMs":500,"bodyLimit":1048576}"#,
        r#"{"dynamic":"force-static","dynamicParams":false,"revalidate":60,"fetchCache":"force-cache","runtime":"edge","preferredRegion":["fra1"],"maxDuration":20,"isolation":"shared","cpuMs":500,"bodyLimit":1048576}"#,
    );
}

#[test]
fn each_constant_takes_its_values() {
    for value in ["auto", "error", "force-static", "force-dynamic"] {
        check_value("dynamic", &format!("\"{value}\"")); // G1
    }
    for value in ["0", "1", "4294967295", "false"] {
        check_value("revalidate", value); // G2
    }
    for value in [
        "auto",
        "default-cache",
        "only-cache",
        "force-cache",
        "default-no-store",
        "only-no-store",
        "force-no-store",
    ] {
        check_value("fetchCache", &format!("\"{value}\"")); // G4
    }
    for value in ["nodejs", "edge"] {
        check_value("runtime", &format!("\"{value}\"")); // G5
    }
    for value in ["request", "shared"] {
        check_value("isolation", &format!("\"{value}\""));
    }
}

#[test]
fn cors_is_read_whole() {
    let cors = r#"{"origins":["https://a.example"],"methods":["PUT"],"headers":["x-a"],"exposeHeaders":["x-b"],"credentials":true,"maxAge":600}"#;
    check_value("cors", cors);
}

#[test]
fn a_value_out_of_range_fails_the_build() {
    let range = "it can be 1 to 900 s, and longer work belongs in a queue";
    check(
        r#"{"maxDuration":0}"#,
        &format!("`MAX_DURATION` is 0 s; {range}"),
    ); // G7
    check(
        r#"{"maxDuration":901}"#,
        &format!("`MAX_DURATION` is 901 s; {range}"),
    );
    check(
        r#"{"cpuMs":0}"#,
        "`CPU_MS` is 0, so nothing could run; leave it out for the operator's default",
    );
}

#[test]
fn a_route_cannot_ask_for_more_than_the_operator_allows() {
    let hint = "ask for less or raise the limit in waystation.toml";
    check(
        r#"{"maxDuration":60}"#,
        &format!("`MAX_DURATION` asks for 60 s and the operator allows 30; {hint}"),
    );
    check(
        r#"{"cpuMs":1001}"#,
        &format!("`CPU_MS` asks for 1001 ms and the operator allows 1000; {hint}"),
    );
    check(
        r#"{"bodyLimit":10485761}"#,
        &format!("`BODY_LIMIT` asks for 10485761 bytes and the operator allows 10485760; {hint}"),
    );
}

#[test]
fn an_answer_cannot_be_kept_and_not_kept() {
    let fault = "`DYNAMIC` wants every answer kept and `REVALIDATE` = 0 wants none kept; remove one of them";
    check(r#"{"dynamic":"force-static","revalidate":0}"#, fault);
    check(r#"{"dynamic":"error","revalidate":0}"#, fault);
    check_value("revalidate", "0"); // Y6
    let fault = "`DYNAMIC` = ForceDynamic wants no answer kept and `REVALIDATE` wants them kept; remove one of them";
    check(r#"{"dynamic":"force-dynamic","revalidate":60}"#, fault);
    check(r#"{"dynamic":"force-dynamic","revalidate":false}"#, fault);
}

#[test]
fn every_fault_of_a_route_is_told() {
    check(
        r#"{"maxDuration":901,"cpuMs":0,"bodyLimit":10485761,"dynamic":"error","revalidate":0}"#,
        "`MAX_DURATION` is 901 s; it can be 1 to 900 s, and longer work belongs in a queue\n\
         error: `CPU_MS` is 0, so nothing could run; leave it out for the operator's default\n\
         error: `BODY_LIMIT` asks for 10485761 bytes and the operator allows 10485760; ask for less or raise the limit in waystation.toml\n\
         error: `DYNAMIC` wants every answer kept and `REVALIDATE` = 0 wants none kept; remove one of them",
    );
}

#[test]
fn a_fault_is_found_in_the_source() {
    let source = "// pub const CPU_MS: u32 = 1;\nconst MAX: u32 = 1;\npub const CPU_MS_OF: u32 = 1;\npub const CPU_MS : u32 = 0;\n";
    let at = definition(source, SegmentError::NoTime.constant()).unwrap();
    assert_eq!(&source[at.start..], "CPU_MS : u32 = 0;\n");
    assert_eq!(at.len(), 6);
    assert_eq!(definition(source, "MAX"), None);
}

#[test]
fn what_wants_nothing_kept_may_say_so_twice() {
    let declared = r#"{"dynamic":"force-dynamic","revalidate":0}"#;
    let declared: Declared = serde_json::from_str(declared).unwrap();
    assert!(declared.settle(&Limits::default()).is_ok());
}

#[test]
fn a_section_is_read() {
    let section = r#"{"version":1,"contract":"0.1.0","pattern":"/items/[slug]","methods":["GET","POST"],"config":{}}"#;
    let section = Section::parse(section.as_bytes()).unwrap();
    assert_eq!(section.pattern, "/items/[slug]");
    assert_eq!(section.methods.allow(), "GET, HEAD, OPTIONS, POST");
    assert_eq!(section.config, Declared::default());
}

#[test]
fn a_section_of_another_version_says_what_to_rebuild_with() {
    let rebuild = "rebuild it with the crate `waystation` 0.1.0";
    check_section(
        r#"{"version":2,"new":"layout"}"#,
        &format!("the route's section has version 2 and this host reads 1; {rebuild}"),
    );
    check_section(
        "{}",
        &format!("the route's section has version null and this host reads 1; {rebuild}"),
    );
    check_section(
        r#"{"version":1,"contract":"0.2.0"}"#,
        &format!("the route speaks contract \"0.2.0\" and this host \"0.1.0\"; {rebuild}"),
    );
}

#[test]
fn a_section_with_a_surprise_is_refused() {
    let head = r#""version":1,"contract":"0.1.0","pattern":"/","methods":["GET"]"#;
    let cases = [
        (format!("{{{head}}}"), "missing field `config`"),
        (
            format!(r#"{{{head},"config":{{}},"more":1}}"#),
            "unknown field `more`, expected one of `pattern`, `methods`, `config`",
        ),
        (
            format!(r#"{{{head},"config":{{"revalidate":-1}}}}"#),
            "REVALIDATE is a whole number of seconds or false",
        ),
        (
            format!(r#"{{{head},"config":{{"revalidate":true}}}}"#),
            "REVALIDATE is a whole number of seconds or false",
        ),
        (
            format!(r#"{{{head},"config":{{"runtime":"deno"}}}}"#),
            "unknown variant `deno`, expected `nodejs` or `edge`",
        ),
        (
            "[]".to_owned(),
            "invalid type: sequence, expected a map at line 1 column 0",
        ),
    ];
    for (json, fault) in cases {
        let rebuild = "rebuild it with the crate `waystation` 0.1.0";
        check_section(
            &json,
            &format!("the route's section cannot be read: {fault}; {rebuild}"),
        );
    }
    assert!(Section::parse(b"\xff").is_err());
    assert!(serde_json::from_str::<Declared>(r#"{"maxDurations":1}"#).is_err());
}

#[test]
fn what_is_above_a_limit_is_lowered_to_it_and_the_rest_stays() {
    let asked = r#"{"maxDuration":60,"cpuMs":2000,"bodyLimit":1000,"dynamicParams":false}"#;
    let asked: Declared = serde_json::from_str(asked).unwrap();
    assert!(asked.settle(&Limits::default()).is_err());
    let lowered = asked.within(&Limits::default());
    let settled = lowered.settle(&Limits::default()).unwrap();
    assert_eq!(settled.max_duration, Limits::default().max_duration);
    assert_eq!(settled.cpu, Limits::default().cpu);
    assert_eq!((settled.body_limit, settled.dynamic_params), (1000, false));
}

fn settled() -> String {
    r#"{"dynamic":"auto","dynamicParams":true,"revalidate":null,"fetchCache":"auto","runtime":"nodejs","preferredRegion":[],"maxDuration":30,"isolation":"request","cpuMs":1000,"bodyLimit":10485760}"#.to_owned()
}

/// Compares the settled configuration, as JSON and back, or the error.
#[track_caller]
fn check(config: &str, expected: &str) {
    let declared: Declared = serde_json::from_str(config).unwrap();
    let found = declared.settle(&Limits::default()).map_or_else(
        |error| error.to_string(),
        |settled| {
            let json = serde_json::to_string(&settled).unwrap();
            assert_eq!(
                serde_json::from_str::<SegmentConfig>(&json).unwrap(),
                settled
            );
            json
        },
    );
    assert_eq!(found, expected);
}

/// Checks that one key passes through as it is, beside the defaults.
#[track_caller]
fn check_value(key: &str, value: &str) {
    let mut expected: serde_json::Value = serde_json::from_str(&settled()).unwrap();
    expected[key] = serde_json::from_str(value).unwrap();
    let declared: Declared = serde_json::from_str(&format!(r#"{{"{key}":{value}}}"#)).unwrap();
    assert_eq!(
        serde_json::to_value(declared.settle(&Limits::default()).unwrap()).unwrap(),
        expected
    );
}

#[track_caller]
fn check_section(json: &str, expected: &str) {
    let found = Section::parse(json.as_bytes())
        .map_or_else(|error| error.to_string(), |section| section.pattern);
    assert_eq!(found, expected);
}
