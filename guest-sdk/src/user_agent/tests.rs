use proptest::prelude::*;

use super::*;
use crate::testing::request;

#[test]
fn browsers_on_computers() {
    check(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
        "Chrome 120.0.0.0 (120) | | Blink 120.0.0.0 | Windows 10 | amd64",
    );
    check(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
        "Edge 120.0.2210.91 (120) | | Blink 120.0.0.0 | Windows 10 | amd64",
    );
    check(
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
        "Firefox 121.0 (121) | | Gecko 121.0 | Ubuntu | amd64",
    );
    check(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15",
        "Safari 17.2 (17) | Apple Macintosh | WebKit 605.1.15 | Mac OS 10.15.7 |",
    );
    check(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 OPR/105.0.0.0",
        "Opera 105.0.0.0 (105) | | Blink 119.0.0.0 | Linux | amd64",
    );
    check(
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
        "Chrome 119.0.0.0 (119) | | Blink 119.0.0.0 | Chromium OS 14541.0.0 | amd64",
    );
    check(
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "IE 11.0 (11) | | Trident 7.0 | Windows 7 | amd64",
    );
    check(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
        "Edge 18.17763 (18) | | EdgeHTML 18.17763 | Windows 10 | amd64",
    );
}

#[test]
fn browsers_on_iphone_and_ipad() {
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
        "Mobile Safari 17.2 (17) | Apple iPhone mobile | WebKit 605.1.15 | iOS 17.2 |",
    );
    check(
        "Mozilla/5.0 (iPad; CPU OS 16_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
        "Mobile Safari 16.6 (16) | Apple iPad tablet | WebKit 605.1.15 | iOS 16.6.1 |",
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
        "Chrome 120.0.6099.119 (120) | Apple iPhone mobile | WebKit 605.1.15 | iOS 17.2 |",
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/121.0 Mobile/15E148 Safari/605.1.15",
        "Firefox 121.0 (121) | Apple iPhone mobile | WebKit 605.1.15 | iOS 17.2 |",
    );
}

#[test]
fn browsers_on_android() {
    check(
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Chrome 120.0.0.0 (120) | mobile | Blink 120.0.0.0 | Android 10 |",
    );
    check(
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.43 Mobile Safari/537.36",
        "Chrome 120.0.6099.43 (120) | Google Pixel 8 mobile | Blink 120.0.6099.43 | Android 14 |",
    );
    check(
        "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
        "Samsung Internet 23.0 (23) | Samsung SM-S918B mobile | Blink 115.0.0.0 | Android 13 |",
    );
    check(
        "Mozilla/5.0 (Linux; Android 12; SM-X906C Build/QP1A.190711.020; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.119 Safari/537.36",
        "Chrome WebView 80.0.3987.119 (80) | Samsung SM-X906C tablet | Blink 80.0.3987.119 | Android 12 |",
    );
    check(
        "Mozilla/5.0 (Android 14; Mobile; rv:121.0) Gecko/121.0 Firefox/121.0",
        "Firefox 121.0 (121) | mobile | Gecko 121.0 | Android 14 |",
    );
    check(
        "Mozilla/5.0 (Linux; U; Android 4.0.3; en-us; GT-I9100 Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        "Android Browser 4.0 (4) | Samsung GT-I9100 mobile | WebKit 534.30 | Android 4.0.3 |",
    );
    check(
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36 OPR/79.0.0.0",
        "Opera 79.0.0.0 (79) | mobile | Blink 119.0.0.0 | Android 10 |",
    );
}

#[test]
fn programs() {
    check("curl/8.5.0", "| | | |");
    check("", "| | | |");
    check(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.6099.28 Safari/537.36",
        "Chrome Headless 120.0.6099.28 (120) | | Blink 120.0.6099.28 | Linux | amd64",
    );
}

#[test]
fn bots() {
    check(
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "| | | | bot",
    );
    check(
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Chrome 120.0.6099.71 (120) | Nexus 5X mobile | Blink 120.0.6099.71 | Android 6.0.1 | bot",
    );
    check(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
        "Chrome 116.0.1938.76 (116) | | Blink 116.0.1938.76 | | bot",
    );
    check(
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "| | WebKit 537.36 | | bot",
    );
    check(
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "| | | | bot",
    );
    check(
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "| | | | bot",
    );
    check(
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.4844.73 Mobile Safari/537.36",
        "Chrome 99.0.4844.73 (99) | CUBOT_X19 mobile | Blink 99.0.4844.73 | Android 9 |",
    );
}

/// Browser, device, engine, system and processor, each with what is known of it.
#[track_caller]
fn check(ua: &str, expected: &str) {
    let agent = UserAgent::parse(ua);
    let major = agent.browser.major.map(|major| format!("({major})"));
    let bot = agent.is_bot.then(|| "bot".to_owned());
    let Device {
        model,
        kind,
        vendor,
    } = agent.device;
    let columns = [
        [agent.browser.name, agent.browser.version, major],
        [vendor, model, kind],
        [agent.engine.name, agent.engine.version, None],
        [agent.os.name, agent.os.version, None],
        [agent.cpu.architecture, bot, None],
    ];
    let columns = columns.map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
    let words: Vec<_> = columns
        .join(" | ")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    assert_eq!(words.join(" "), expected, "{ua}");
}

#[test]
fn a_request_without_the_header_has_an_empty_answer() {
    let json = |headers: &[(&str, &str)]| {
        let agent = request("GET", "/", headers, "").user_agent();
        serde_json::to_string(&agent).unwrap()
    };
    assert_eq!(
        json(&[]),
        r#"{"ua":"","isBot":false,"browser":{},"device":{},"engine":{},"os":{},"cpu":{}}"#
    );
    assert!(
        json(&[("user-agent", "Mozilla/5.0 (iPad; CPU OS 16_6)")])
            .contains(r#""device":{"model":"iPad","type":"tablet","vendor":"Apple"}"#)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_text_has_an_answer(ua in "(Android|Version/|Safari/|Windows NT |rv:|[;() ./_0-9é]|\\PC){0,12}") {
        prop_assert_eq!(UserAgent::parse(&ua).ua, ua);
    }
}
