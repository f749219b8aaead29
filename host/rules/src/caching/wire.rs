//! How a guest's SDK tells the host of what is to be kept: words in headers of its outgoing requests, such as
//! `cache=force-cache; revalidate=60; tag=a%20b`. The host takes the headers off; no other server sees them.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{CacheMode, FetchOptions, Lapsing, Life, MOST_TAGS, PathKind, TagFault, check_tag};
use crate::segment::Revalidate;

/// The header that goes with a `fetch`.
pub const FETCH_HEADER: &str = "x-waystation-fetch";
/// The header that goes with a value of `cached`.
pub const VALUE_HEADER: &str = "x-waystation-value";
/// A header for each thing that goes out of date.
pub const LAPSE_HEADER: &str = "x-waystation-lapse";
/// A trailer: what a stream read of the request after its head had gone, in the words of [`Read::word`](super::Read::word).
pub const READS_TRAILER: &str = "x-waystation-reads";
/// The host that stands for the app's store. A request to it never leaves the process.
pub const STORE: &str = "store.self";

/// What goes with a `fetch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchWords {
    /// What it says of keeping its answer.
    pub options: FetchOptions,
    /// What its answer carries.
    pub tags: Vec<String>,
    /// It is asked anew, for one of its tags has lapsed (row V9).
    pub renew: bool,
}

/// What goes with a value of `cached`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueWords {
    /// How long it lives, if it says so itself.
    pub life: Life,
    /// The named lifetime that it has instead.
    pub profile: Option<String>,
    /// What it carries.
    pub tags: Vec<String>,
}

/// What goes out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LapseWords {
    /// A tag.
    Tag(String, Lapsing),
    /// A tag, as a named lifetime says.
    Profile(String, String),
    /// The answers of a path.
    Path(String, Option<PathKind>),
}

/// Why the words cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordFault {
    /// A word that means nothing here.
    #[error("`{0}` means nothing here")]
    Unknown(String),

    /// A tag that is none.
    #[error(transparent)]
    Tag(#[from] TagFault),
}

impl FetchWords {
    /// Reads the header. Tags that cannot be are left out, and so are those past [`MOST_TAGS`] (row FC11).
    ///
    /// # Errors
    ///
    /// A word that means nothing.
    pub fn parse(line: &str) -> Result<Self, WordFault> {
        let mut told = Self::default();
        for word in Word::all(line) {
            match (word.name, word.value.as_deref()) {
                ("cache", Some("force-cache")) => told.options.cache = Some(CacheMode::ForceCache),
                ("cache", Some("no-store" | "no-cache")) => {
                    told.options.cache = Some(CacheMode::NoStore);
                }
                ("revalidate", Some("never")) => {
                    told.options.revalidate = Some(Revalidate::Never);
                }
                ("revalidate", Some(_)) => {
                    told.options.revalidate = Some(Revalidate::Seconds(word.number()?));
                }
                ("tag", Some(tag)) if check_tag(tag).is_ok() && told.tags.len() < MOST_TAGS => {
                    told.tags.push(tag.to_owned());
                }
                ("tag", Some(_)) => {}
                ("renew", None) => told.renew = true,
                _ => return Err(word.unknown()),
            }
        }
        Ok(told)
    }
}

impl ValueWords {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// A word that means nothing, or a tag that is none (row CC7).
    pub fn parse(line: &str) -> Result<Self, WordFault> {
        let mut told = Self {
            life: Life::default(),
            profile: None,
            tags: Vec::new(),
        };
        for word in Word::all(line) {
            match (word.name, word.value.as_deref()) {
                ("revalidate", Some(_)) => told.life.revalidate = Some(word.number()?),
                ("expire", Some(_)) => told.life.expire = Some(word.number()?),
                ("profile", Some(name)) => told.profile = Some(name.to_owned()),
                ("tag", Some(tag)) => {
                    check_tag(tag)?;
                    told.tags.push(tag.to_owned());
                }
                _ => return Err(word.unknown()),
            }
        }
        told.tags.truncate(MOST_TAGS);
        Ok(told)
    }
}

/// How long a value lives with all that went into it, and what it carries, as [`ValueWords`] reads it.
#[must_use]
pub fn value_line(life: Life, tags: &[String]) -> String {
    let number = |name, seconds: Option<u32>| seconds.map(|seconds| format!("{name}={seconds}"));
    let tags = tags.iter().map(|tag| {
        let tag = utf8_percent_encode(tag, NON_ALPHANUMERIC);
        format!("tag={tag}")
    });
    let life = [
        number("revalidate", life.revalidate),
        number("expire", life.expire),
    ];
    let words: Vec<_> = life.into_iter().flatten().chain(tags).collect();
    words.join("; ")
}

impl LapseWords {
    /// Reads one header.
    ///
    /// # Errors
    ///
    /// A word that means nothing, or one that is missing.
    pub fn parse(line: &str) -> Result<Self, WordFault> {
        let words: Vec<_> = Word::all(line).collect();
        let told: Vec<_> = words
            .iter()
            .map(|word| (word.name, word.value.as_deref()))
            .collect();
        match *told {
            [("tag", Some(tag)), ("stale", None)] => Ok(Self::Tag(tag.to_owned(), Lapsing::Stale)),
            [("tag", Some(tag)), ("expire", Some(_))] => Ok(Self::Tag(
                tag.to_owned(),
                Lapsing::Expire(words[1].number()?),
            )),
            [("tag", Some(tag)), ("profile", Some(name))] => {
                Ok(Self::Profile(tag.to_owned(), name.to_owned()))
            }
            [("path", Some(path))] => Ok(Self::Path(path.to_owned(), None)),
            [("path", Some(path)), ("kind", Some("page"))] => {
                Ok(Self::Path(path.to_owned(), Some(PathKind::Page)))
            }
            [("path", Some(path)), ("kind", Some("layout"))] => {
                Ok(Self::Path(path.to_owned(), Some(PathKind::Layout)))
            }
            _ => Err(WordFault::Unknown(line.to_owned())),
        }
    }
}

struct Word<'a> {
    text: &'a str,
    name: &'a str,
    value: Option<String>,
}

impl<'a> Word<'a> {
    fn all(line: &'a str) -> impl Iterator<Item = Self> {
        let words = line.split(';').map(str::trim);
        words.filter(|word| !word.is_empty()).map(|text| {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (text, None),
            };
            let decode = |value| percent_decode_str(value).decode_utf8_lossy().into_owned();
            Word {
                text,
                name,
                value: value.map(decode),
            }
        })
    }

    fn number(&self) -> Result<u32, WordFault> {
        let value = self.value.as_deref().unwrap_or_default();
        value.parse().map_err(|_| self.unknown())
    }

    fn unknown(&self) -> WordFault {
        WordFault::Unknown(self.text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_says_how_its_answer_is_kept() {
        let told = FetchWords::parse("cache=force-cache; revalidate=60; tag=a%20b; renew").unwrap();
        assert_eq!(told.options.cache, Some(CacheMode::ForceCache));
        assert_eq!(told.options.revalidate, Some(Revalidate::Seconds(60)));
        assert_eq!((told.tags, told.renew), (vec!["a b".to_owned()], true));
        let long = format!("tag={}; tag=b", "a".repeat(257));
        assert_eq!(FetchWords::parse(&long).unwrap().tags, ["b"]); // FC11
        let many = "tag=t;".repeat(200);
        assert_eq!(FetchWords::parse(&many).unwrap().tags.len(), 128); // FC11
        assert!(FetchWords::parse("cache=reload").is_err());
    }

    #[test]
    fn what_is_said_of_a_value_is_read_back() {
        let tags = ["a b; c=1".to_owned(), "é".to_owned()];
        let lives = [(None, None), (Some(60), None), (Some(0), Some(3600))];
        for (revalidate, expire) in lives {
            let life = Life { revalidate, expire };
            let read = ValueWords::parse(&value_line(life, &tags)).unwrap();
            assert_eq!(
                (read.life, read.profile, read.tags),
                (life, None, tags.to_vec())
            );
        }
    }

    #[test]
    fn a_value_says_how_long_it_lives() {
        let told = ValueWords::parse("revalidate=60; expire=90; tag=a").unwrap();
        assert_eq!(told.life.revalidate, Some(60));
        assert_eq!(told.life.expire, Some(90));
        let told = ValueWords::parse("profile=hours").unwrap();
        assert_eq!(told.profile.as_deref(), Some("hours"));
        assert!(ValueWords::parse("revalidate=-1").is_err());
        assert!(ValueWords::parse(&format!("tag={}", "a".repeat(257))).is_err()); // CC7
    }

    #[test]
    fn what_lapses_is_a_tag_or_a_path() {
        let read = |line| LapseWords::parse(line).unwrap();
        let tag = |lapsing| LapseWords::Tag("a;b".to_owned(), lapsing);
        assert_eq!(read("tag=a%3Bb; stale"), tag(Lapsing::Stale));
        assert_eq!(read("tag=a%3Bb; expire=5"), tag(Lapsing::Expire(5)));
        assert_eq!(
            read("tag=a; profile=hours"),
            LapseWords::Profile("a".to_owned(), "hours".to_owned())
        );
        assert_eq!(
            read("path=%2Fblog; kind=page"),
            LapseWords::Path("/blog".to_owned(), Some(PathKind::Page))
        );
        assert!(LapseWords::parse("tag=a").is_err());
        assert!(LapseWords::parse("").is_err());
    }
}
