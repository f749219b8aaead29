//! Tells which files of `app/` are metadata: icons, images for links, `robots.txt`, sitemaps and manifests (rows MD1 to MD8).
//!
//! In: the folder of a file, from `app/`, and its name. Out: a [`Metadata`]: the path below the folder's own that it answers, and whether
//! it is sent as it is or is code that makes the answer.

/// How long an answer of this kind may be kept before it is asked for again (rows MD1 and MD14).
pub const CACHE_CONTROL: &str = "public, max-age=0, must-revalidate";

/// The same while the app is edited.
pub const CACHE_CONTROL_IN_DEV: &str = "no-cache, no-store";

/// The dynamic segment that says which of several is asked for; no folder is named so.
pub const ID: &str = "__metadata_id__";

/// What a file of a convention is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// Sent as it is.
    Static {
        /// Below the folder: `opengraph-image.png`.
        path: String,
        /// Bytes that it may have at most (row MD7).
        limit: Option<u64>,
    },
    /// A module whose function makes the answer.
    Code {
        /// Below the folder: `robots.txt`, `opengraph-image`.
        path: String,
        /// The same where the module makes several: `sitemap/[__metadata_id__]` (rows MD9 and MD10).
        path_of_several: Option<String>,
        /// The function: `robots`.
        function: &'static str,
        /// The function that lists several.
        lists: Option<&'static str>,
    },
}

/// A name that means something.
struct Convention {
    stem: &'static str,
    /// Of files that are sent as they are.
    extensions: &'static [&'static str],
    /// Whether it means something in `app/` alone.
    is_at_root: bool,
    /// Bytes.
    limit: Option<u64>,
    code: Option<Code>,
}

enum Code {
    /// Answers one path, by a function of the stem's name.
    Text(&'static str),
    /// Answers `sitemap.xml`, or one path each.
    Sitemap,
    /// Answers the stem. There may be several, numbered, and they go by their group (row MD8).
    Image,
}

const CONVENTIONS: [Convention; 8] = [
    root("favicon", &["ico"], None),
    root("robots", &["txt"], Some(Code::Text("robots.txt"))),
    root(
        "manifest",
        &["json", "webmanifest"],
        Some(Code::Text("manifest.webmanifest")),
    ),
    Convention {
        stem: "sitemap",
        extensions: &["xml"],
        is_at_root: false,
        limit: None,
        code: Some(Code::Sitemap),
    },
    image("icon", &["ico", "jpg", "jpeg", "png", "svg"], None),
    image("apple-icon", &["jpg", "jpeg", "png"], None),
    image(
        "opengraph-image",
        &["jpg", "jpeg", "png", "gif"],
        Some(8 << 20),
    ),
    image(
        "twitter-image",
        &["jpg", "jpeg", "png", "gif"],
        Some(5 << 20),
    ),
];

const fn root(
    stem: &'static str,
    extensions: &'static [&'static str],
    code: Option<Code>,
) -> Convention {
    Convention {
        stem,
        extensions,
        is_at_root: true,
        limit: None,
        code,
    }
}

const fn image(
    stem: &'static str,
    extensions: &'static [&'static str],
    limit: Option<u64>,
) -> Convention {
    Convention {
        stem,
        extensions,
        is_at_root: false,
        limit,
        code: Some(Code::Image),
    }
}

/// What a file is by its folder, such as `(shop)/items` or nothing for `app/` itself, and its name, such as `icon.png`.
#[must_use]
pub fn of(folder: &str, name: &str) -> Option<Metadata> {
    let (stem, extension) = name.rsplit_once('.')?;
    let found = CONVENTIONS.iter().find(|known| {
        let rest = stem.strip_prefix(known.stem);
        let is_numbered = matches!(known.code, Some(Code::Image));
        rest.is_some_and(|rest| {
            rest.is_empty() || is_numbered && rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit()
        }) && (folder.is_empty() || !known.is_at_root)
    })?;
    let stem = match found.code {
        Some(Code::Image) => format!("{stem}{}", suffix(folder)),
        _ => stem.to_owned(),
    };
    if found.extensions.contains(&extension) {
        return Some(Metadata::Static {
            path: format!("{stem}.{extension}"),
            limit: found.limit,
        });
    }
    let code = found.code.as_ref().filter(|_| extension == "rs")?;
    let several = Some(format!("{stem}/[{ID}]"));
    let (path, path_of_several, function, lists) = match code {
        Code::Text(path) => ((*path).to_owned(), None, found.stem, None),
        Code::Sitemap => {
            let lists = Some("generate_sitemaps");
            ("sitemap.xml".to_owned(), several, "sitemap", lists)
        }
        Code::Image => (stem, several, "image", Some("generate_image_metadata")),
    };
    Some(Metadata::Code {
        path,
        path_of_several,
        function,
        lists,
    })
}

/// Whether the text of a module defines a function, comments aside: the path of a module hangs on it, before anything is compiled.
#[must_use]
pub fn defines(text: &str, function: &str) -> bool {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let is_named = |after: &str| after.trim_start().starts_with('(');
    code.flat_map(|line| line.split("fn ").skip(1))
        .any(|after| {
            after
                .trim_start()
                .strip_prefix(function)
                .is_some_and(is_named)
        })
}

/// Tells the images of groups and slots apart, which are no part of a path: a dash and six letters that hang on the folder alone, as in
/// Next.
fn suffix(folder: &str) -> String {
    let is_group = |name: &str| name.starts_with('(') && name.ends_with(')');
    if !folder
        .split('/')
        .any(|name| is_group(name) || name.starts_with('@'))
    {
        return String::new();
    }
    let hash = format!("/{folder}")
        .encode_utf16()
        .fold(5381_u32, |hash, unit| {
            hash.wrapping_mul(33).wrapping_add(unit.into())
        });
    let mut digits = Vec::new();
    let mut rest = hash;
    while rest != 0 {
        digits.push(char::from_digit(rest % 36, 36).unwrap_or('0'));
        rest /= 36;
    }
    let letters: String = digits.into_iter().rev().take(6).collect();
    format!("-{letters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_convention_answers_its_name() {
        check("", "favicon.ico", "favicon.ico"); // MD1
        check("", "robots.txt", "robots.txt"); // MD2
        check("", "sitemap.xml", "sitemap.xml"); // MD3
        check("docs/[slug]", "sitemap.xml", "sitemap.xml");
        check("", "manifest.json", "manifest.json"); // MD4
        check("", "manifest.webmanifest", "manifest.webmanifest");
        check("shop", "icon.svg", "icon.svg"); // MD5
        check("shop", "icon2.png", "icon2.png");
        check("", "apple-icon.png", "apple-icon.png");
        check(
            "blog",
            "opengraph-image.gif",
            "opengraph-image.gif up to 8 MiB",
        ); // MD6, MD7
        check("", "twitter-image.jpeg", "twitter-image.jpeg up to 5 MiB");
    }

    #[test]
    fn code_answers_the_name_that_clients_ask_for() {
        check("", "robots.rs", "robots.txt by robots"); // MD2
        check("", "manifest.rs", "manifest.webmanifest by manifest"); // MD4
        check(
            "docs",
            "sitemap.rs",
            "sitemap.xml or sitemap/[__metadata_id__] by sitemap",
        ); // MD3, MD9
        check("", "icon.rs", "icon or icon/[__metadata_id__] by image"); // MD5, MD10
        check(
            "blog/[slug]",
            "opengraph-image.rs",
            "opengraph-image or opengraph-image/[__metadata_id__] by image",
        ); // MD6
    }

    #[test]
    fn other_files_are_none() {
        check("shop", "favicon.ico", "none");
        check("shop", "robots.txt", "none");
        check("(group)", "robots.rs", "none");
        check("", "favicon.rs", "none");
        check("", "favicon.png", "none");
        check("", "icon.gif", "none");
        check("", "apple-icon.svg", "none");
        check("", "icon10.png", "none");
        check("", "icons.png", "none");
        check("", "opengraph-image.alt.txt", "none");
        check("", "robots", "none");
        check("", "Icon.png", "none");
    }

    #[test]
    fn images_of_a_group_have_a_name_of_their_own() {
        check("(a)", "icon.png", "icon-yj9kpy.png"); // MD8
        check("(b)", "icon.png", "icon-yj9kqv.png");
        check("(a)/x", "icon.png", "icon-xg2t65.png");
        check("@a/x", "icon.png", "icon-36hlx8.png");
        check("(a)", "sitemap.xml", "sitemap.xml");
    }

    #[test]
    fn a_function_is_found_in_the_text_of_a_module() {
        let defines = |text| super::defines(text, "generate_sitemaps");
        assert!(defines("pub fn generate_sitemaps() -> Vec<u32> {"));
        assert!(defines("pub async fn  generate_sitemaps () {"));
        assert!(!defines("// pub fn generate_sitemaps() {"));
        assert!(!defines("pub fn generate_sitemaps_too() {"));
        assert!(!defines("generate_sitemaps();"));
    }

    #[track_caller]
    fn check(folder: &str, name: &str, expected: &str) {
        let found = match of(folder, name) {
            None => "none".to_owned(),
            Some(Metadata::Static { path, limit: None }) => path,
            Some(Metadata::Static {
                path,
                limit: Some(bytes),
            }) => format!("{path} up to {} MiB", bytes >> 20),
            Some(Metadata::Code {
                path,
                path_of_several,
                function,
                ..
            }) => {
                let several = path_of_several.map(|path| format!(" or {path}"));
                format!("{path}{} by {function}", several.unwrap_or_default())
            }
        };
        assert_eq!(found, expected);
    }
}
