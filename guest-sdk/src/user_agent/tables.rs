//! The families that are known. In each table the first row that is found counts, so the special stands before the general.

/// Words of those that are no person's browser, in small letters.
pub(super) const BOTS: &[&str] = &[
    // What nearly all of them call themselves.
    "bot/",
    "bot;",
    "bot)",
    "crawler",
    "spider",
    // Search.
    "adsbot-google",
    "applebot",
    "bingpreview",
    "duckduckbot",
    "google-inspectiontool",
    "google-pagerenderer",
    "googlebot",
    "googleweblight",
    "ia_archiver",
    "mediapartners-google",
    "slurp",
    "sogou",
    "storebot-google",
    "yandexbot",
    // Previews of links.
    "bitlybot",
    "facebookcatalog",
    "facebookexternalhit",
    "quora link preview",
    "redditbot",
    "skypeuripreview",
    "slackbot",
    "tumblr/",
    "vkshare",
    "whatsapp/",
    // Language models.
    "anthropic-ai",
    "chatgpt-user",
    "claude-user",
    "claude-web",
    "cohere-ai",
    "meta-externalagent",
    "perplexity-user",
];

/// What comes before the version, and the browser's name.
pub(super) const BROWSERS: &[(&str, &str)] = &[
    ("FBAV/", "Facebook"),
    ("Instagram ", "Instagram"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("Opera Mini/", "Opera Mini"),
    ("OPT/", "Opera Touch"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UCBrowser"),
    ("MiuiBrowser/", "MIUI Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("GSA/", "GSA"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome Headless"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "IE"),
    ("Trident/7.0; rv:", "IE"),
    ("Opera/", "Opera"),
];

/// What comes before the version, and the system's name.
pub(super) const SYSTEMS: &[(&str, &str)] = &[
    ("Windows NT ", "Windows"),
    ("iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("CrOS x86_64 ", "Chromium OS"),
    ("CrOS aarch64 ", "Chromium OS"),
    ("CrOS armv7l ", "Chromium OS"),
    ("Android", "Android"),
    ("Mac OS X ", "Mac OS"),
    ("Tizen ", "Tizen"),
    ("Ubuntu", "Ubuntu"),
    ("Fedora", "Fedora"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// What Windows calls itself to programs, and to people.
pub(super) const WINDOWS: &[(&str, &str)] = &[
    ("10.0", "10"),
    ("6.3", "8.1"),
    ("6.2", "8"),
    ("6.1", "7"),
    ("6.0", "Vista"),
    ("5.1", "XP"),
];

/// A word, and the processor's name.
pub(super) const CPUS: &[(&str, &str)] = &[
    ("x86_64", "amd64"),
    ("x64", "amd64"),
    ("WOW64", "amd64"),
    ("amd64", "amd64"),
    ("aarch64", "arm64"),
    ("arm64", "arm64"),
    ("ARM64", "arm64"),
    ("i686", "ia32"),
    ("i386", "ia32"),
    ("armv", "arm"),
];

/// A word, and the model, type and vendor of the device that says it.
pub(super) const DEVICES: &[(&str, Option<&str>, Option<&str>, &str)] = &[
    ("iPad", Some("iPad"), Some("tablet"), "Apple"),
    ("iPod", Some("iPod touch"), Some("mobile"), "Apple"),
    ("iPhone", Some("iPhone"), Some("mobile"), "Apple"),
    ("AppleTV", Some("Apple TV"), Some("smarttv"), "Apple"),
    ("Macintosh", Some("Macintosh"), None, "Apple"),
    ("SMART-TV", None, Some("smarttv"), "Samsung"),
    ("Web0S", None, Some("smarttv"), "LG"),
    ("BRAVIA", None, Some("smarttv"), "Sony"),
    (
        "PlayStation 5",
        Some("PlayStation 5"),
        Some("console"),
        "Sony",
    ),
    (
        "PlayStation 4",
        Some("PlayStation 4"),
        Some("console"),
        "Sony",
    ),
    ("Xbox", Some("Xbox"), Some("console"), "Microsoft"),
    (
        "Nintendo Switch",
        Some("Switch"),
        Some("console"),
        "Nintendo",
    ),
];

/// How an Android model begins, and its vendor.
pub(super) const MODELS: &[(&str, &str)] = &[
    ("SM-", "Samsung"),
    ("GT-", "Samsung"),
    ("Pixel", "Google"),
    ("Redmi", "Xiaomi"),
    ("POCO", "Xiaomi"),
    ("Mi ", "Xiaomi"),
    ("moto", "Motorola"),
    ("ONEPLUS", "OnePlus"),
    ("CPH", "OPPO"),
    ("RMX", "Realme"),
    ("vivo", "Vivo"),
    ("HUAWEI", "Huawei"),
    ("LM-", "LG"),
    ("Nokia", "Nokia"),
    ("KF", "Amazon"),
];
