//! Values that are kept from one request to the next.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::after;
use crate::ambient;
use crate::error::{Error, Result};
use crate::fetch::store::{self, Found};
use crate::life::Life;

/// Gives a value that was kept, or makes it and keeps it: what `use cache` and `unstable_cache` are in Next (section 11.5).
///
/// All routes of a built app share what is kept, by its key; under `waystation dev` each has its own, so that none is of code that was edited
/// since. What the value depends on belongs into the key: `format!("post {slug}")`. A value that is out of date is given once more, and made
/// anew after the answer.
///
/// If other values go into it, it has the shortest lifetime of them all, and their tags take it out of date too.
///
/// It is made for all requests, so without this one (rows CC3 and V11): reading the request is an error, and so are `revalidate_tag` and
/// the like. What [`fetch`](crate::fetch()) asks for meanwhile is asked for anew.
///
/// However many ask at once for a value that is not there, one of them makes it and the others wait for it, for 10 seconds or half of
/// `MAX_DURATION` at most. Whoever makes a value waits for no other: it makes that too.
///
/// Where the host keeps nothing, as in native tests, the value is made each time.
///
/// ```
/// use waystation::{Json, Result, cached};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Deserialize, Serialize)]
/// struct Post { title: String }
///
/// pub async fn get() -> Result<Json<Vec<Post>>> {
///     let posts = cached("posts", "hours", async || load_posts().await).tags(["posts"]).await?;
///     Ok(Json(posts))
/// }
///
/// async fn load_posts() -> Result<Vec<Post>> {
///     Ok(vec![Post { title: "Tea".into() }]) // from far away
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::get("/").call(get).text(), r#"[{"title":"Tea"}]"#);
/// ```
pub fn cached<T>(
    key: impl Into<String>,
    life: impl Into<Life>,
    make: impl AsyncFnOnce() -> Result<T> + 'static,
) -> Cached<T> {
    Cached {
        key: key.into(),
        life: life.into(),
        tags: Vec::new(),
        make: Box::pin(async { make().await }),
    }
}

/// A value that is asked for; awaiting it gives it.
///
/// ```
/// use waystation::{Life, Result, cached, revalidate_tag};
///
/// pub async fn get() -> Result<String> {
///     let rate = cached("rate", Life::seconds(60), async || Ok(1.08_f64)).tags(["rates"]);
///     Ok(format!("1 EUR is {} USD", rate.await?))
/// }
///
/// pub fn post() {
///     revalidate_tag("rates", "max"); // the next `get` finds it stale, and has it made anew
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::get("/").call(get).text(), "1 EUR is 1.08 USD");
/// # assert_eq!(TestRequest::post("/").call(post).revalidated_tags(), ["rates"]);
/// ```
///
/// # Errors
///
/// The closure's own; one that reads the request or changes something; and a name of a lifetime that the host does not know, or a tag
/// longer than 256 characters.
#[must_use = "a value is found or made when it is awaited"]
pub struct Cached<T> {
    key: String,
    life: Life,
    tags: Vec<String>,
    make: Making<T>,
}

type Making<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

impl<T> Cached<T> {
    /// Takes tags, by which [`revalidate_tag`](crate::revalidate_tag) finds the value; 128 at most, of 256 characters each (row CC7).
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Cached<T> {
    async fn get(self) -> Result<T> {
        let entry = Entry {
            life: store::line(&self.life.fields(), &self.tags),
            key: self.key,
        };
        let making = Apart {
            key: entry.key.clone(),
            inside: Vec::new(),
            make: self.make,
        };
        if !store::is_there() {
            return making.await;
        }
        let call = ambient::find();
        if call
            .as_deref()
            .is_some_and(|call| call.noted().has_lapsed(&self.tags))
        {
            return entry.made(making).await; // V9
        }
        // What goes into another value is as new as that.
        let takes_stale = !call.as_ref().is_some_and(|call| call.noted().is_apart());
        let Found::Kept {
            value,
            line,
            is_stale,
        } = entry.find(takes_stale).await?
        else {
            return entry.made(making).await;
        };
        let Some(call) = call else { return Ok(value) };
        if call.noted().has_lapsed(&store::tags(&line)) {
            return entry.made(making).await; // V9, of what went into it
        }
        call.noted().note_part(&line);
        if is_stale {
            let renewed = async move { entry.made(making).await.map(drop) };
            after::leave(&call, "a value that `cached` makes anew", renewed);
        }
        Ok(value)
    }
}

impl<T: Serialize + DeserializeOwned + 'static> IntoFuture for Cached<T> {
    type Output = Result<T>;
    type IntoFuture = Making<T>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.get())
    }
}

impl<T> std::fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached")
            .field("key", &self.key)
            .field("life", &self.life)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// Lifetimes with their tags that the host is told of a value: its own and those of what goes into it, each once.
const MOST_PARTS: usize = 128;

/// A place in the store.
struct Entry {
    key: String,
    life: HeaderValue,
}

impl Entry {
    /// What is kept there.
    async fn find<T: DeserializeOwned>(&self, takes_stale: bool) -> Result<Found<T>> {
        let found = store::find(&self.key, &self.life, takes_stale).await;
        let found = found.map_err(|error| error.context(format!("looking up `{}`", self.key)))?;
        Ok(match found {
            Found::Nothing => Found::Nothing,
            Found::Kept {
                value,
                line,
                is_stale,
            } => match self.read(&value) {
                None => Found::Nothing,
                Some(value) => Found::Kept {
                    value,
                    line,
                    is_stale,
                },
            },
        })
    }

    /// What cannot be read is as good as nothing.
    fn read<T: DeserializeOwned>(&self, json: &[u8]) -> Option<T> {
        let read = serde_json::from_slice(json).map_err(|error| {
            eprintln!(
                "warning: what is kept as `{}` is of another type: {error}",
                self.key
            );
        });
        read.ok()
    }

    /// Makes the value and keeps it. One that cannot be kept is given all the same.
    async fn made<T: Serialize>(&self, mut making: Apart<T>) -> Result<T> {
        let value = match (&mut making).await {
            Ok(value) => value,
            Err(error) => {
                store::give_up(&self.key, false).await;
                return Err(error);
            }
        };
        let mut lines = making.inside;
        lines.insert(0, self.life.clone());
        if let Some(call) = ambient::find() {
            lines.iter().for_each(|line| call.noted().note_part(line));
        }
        if let Err(error) = self.keep(&value, lines).await {
            eprintln!("warning: `{}` is not kept: {error:?}", self.key);
            store::give_up(&self.key, true).await;
        }
        Ok(value)
    }

    async fn keep(&self, value: &impl Serialize, lines: Vec<HeaderValue>) -> Result<()> {
        if MOST_PARTS < lines.len() {
            let parts = lines.len() - 1;
            return Err(Error::message(format!(
                "{parts} other values or more go into it, and {MOST_PARTS} are the most"
            )));
        }
        let json = Bytes::from(serde_json::to_vec(value)?);
        store::keep(&self.key, lines, json).await
    }
}

/// The making of a value for all requests: it may not depend on this one.
struct Apart<T> {
    key: String,
    /// The lifetimes and tags of what goes into it.
    inside: Vec<HeaderValue>,
    make: Making<T>,
}

impl<T> Future for Apart<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let Some(call) = ambient::find() else {
            return self.make.as_mut().poll(cx);
        };
        let Self { inside, make, .. } = &mut *self;
        match call.apart(inside, || make.as_mut().poll(cx)) {
            (made, None) => made,
            (_, Some(used)) => Poll::Ready(Err(Error::message(format!(
                "`{}` is kept for all requests, so `{used}` cannot be used to make it; use it outside of `cached`, and make what comes of \
                 it part of the key",
                self.key
            )))),
        }
    }
}

#[cfg(test)]
mod tests;
