//! What is noted of a handler beside its answer: what it read of the request, and what it took out of date.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use http::HeaderValue;

use crate::bindings::outcome::{Effect, Reads};
use crate::call::Call;

/// What a handler has done up to now.
#[derive(Default)]
pub(crate) struct Noted {
    reads: Cell<Flags>,
    /// What a value to be kept must not be made with, such as `revalidate_tag()`, if it was called.
    changed: Cell<Option<&'static str>>,
    is_apart: Cell<bool>,
    /// The lifetimes and tags of what goes into the value that is being made.
    inside: RefCell<Vec<HeaderValue>>,
    /// What was taken out of date, in order.
    pub(crate) lapses: RefCell<Vec<Effect>>,
    /// Tells the host of the lapses where no outcome does.
    pub(crate) send_lapses: Cell<Option<Sender>>,
    /// Whether draft mode was switched on or off.
    pub(crate) draft_mode: Cell<Option<bool>>,
}

/// A function that only what uses it brings along: no other component asks for a client.
type Sender = fn(&Rc<Call>);

#[derive(Clone, Copy)]
struct Flags(Reads);

impl Default for Flags {
    fn default() -> Self {
        Self(Reads::empty())
    }
}

/// The contract's words, and how the handler's author spells them.
const SPELLED: [(Reads, &str, &str); 6] = [
    (Reads::HEADERS, "headers", "headers()"),
    (Reads::COOKIES, "cookies", "cookies()"),
    (Reads::QUERY, "query", "request.url()"),
    (Reads::BODY, "body", "the request's body"),
    (Reads::CLIENT, "client", "context.client_address()"),
    (Reads::CONNECTION, "connection", "connection()"),
];

/// What was read, in the words of `wit/outcome.wit`: `cookies query`.
pub(crate) fn words(reads: Reads) -> String {
    let read = |(read, word, _): &(Reads, &'static str, _)| reads.contains(*read).then_some(*word);
    let words: Vec<_> = SPELLED.iter().filter_map(read).collect();
    words.join(" ")
}

impl Noted {
    pub(crate) fn read(&self, what: Reads) {
        self.reads.set(Flags(self.reads() | what));
    }

    pub(crate) fn reads(&self) -> Reads {
        self.reads.get().0
    }

    /// Notes what changes something beside the answer.
    pub(crate) fn change(&self, by: &'static str) {
        self.changed.set(self.changed.get().or(Some(by)));
    }

    /// Whether a value to be kept is being made.
    pub(crate) fn is_apart(&self) -> bool {
        self.is_apart.get()
    }

    /// Whether one of these tags was taken out of date (row V9).
    pub(crate) fn has_lapsed(&self, tags: &[String]) -> bool {
        let lapses = self.lapses.borrow();
        let mut lapsed = lapses.iter().filter_map(|lapse| match lapse {
            Effect::RevalidateTag(lapse) => Some(&lapse.tag),
            _ => None,
        });
        lapsed.any(|tag| tags.contains(tag))
    }

    /// Something that is kept goes into the value that is being made, if one is.
    pub(crate) fn note_part(&self, line: &HeaderValue) {
        let mut inside = self.inside.borrow_mut();
        if self.is_apart() && !inside.contains(line) {
            inside.push(line.clone());
        }
    }

    /// Runs a step of what makes a value to be kept, and adds to `inside` what goes into it. Says what of it depends on the request or changes
    /// something, if anything does.
    pub(crate) fn apart<T>(
        &self,
        inside: &mut Vec<HeaderValue>,
        step: impl FnOnce() -> T,
    ) -> (T, Option<&'static str>) {
        let outside = self.inside.replace(std::mem::take(inside));
        let reads = self.reads.take();
        let changed = self.changed.take();
        let was_apart = self.is_apart.replace(true);
        let made = step();
        self.is_apart.set(was_apart);
        *inside = self.inside.replace(outside);
        let read = SPELLED
            .into_iter()
            .find(|(read, ..)| self.reads().contains(*read));
        let fault = self.changed.replace(changed);
        self.read(reads.0);
        (made, fault.or(read.map(|(.., spelled)| spelled)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_the_contracts_words() {
        let contract = include_str!("../../wit/outcome.wit");
        let (_, flags) = contract.split_once("flags reads {").unwrap();
        let (flags, _) = flags.split_once('}').unwrap();
        let flags = flags.lines().map(str::trim);
        let flags = flags.filter_map(|line| line.strip_suffix(','));
        let flags: Vec<_> = flags.filter(|line| !line.starts_with("///")).collect();
        assert_eq!(words(Reads::all()), flags.join(" "));
    }
}
