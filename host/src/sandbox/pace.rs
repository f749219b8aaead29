//! Lets only as many long-running guests execute at once as there are processors, so that others wait behind no more than those, and the
//! apps of a node take turns.

use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

use super::engine::TICK;

/// A poll that takes so long is a long one. Those of most guests take less than a tenth of that.
const LONG: Duration = Duration::from_millis(1);
/// What a long poll weighs. A short one takes 1 of that back, so that a pause between two makes no difference.
const WEIGHT: u32 = 2;
/// From so much on a guest waits for a processor: one long poll may just have been unlucky. Where none is free, that one is enough.
const HEAVY: u32 = 2 * WEIGHT;
/// The most that a guest weighs: it need not pause for longer than this takes to be taken back.
const HEAVIEST: u32 = 2 * HEAVY;
/// If so many more of a route's guests have been heavy lately than have not, the next is taken for one of them.
const KNOWN: u32 = 2;
/// The most that are remembered, so that a route which has changed is soon forgiven.
const MOST_KNOWN: u32 = 8;

const _: () = assert!(LONG.as_micros() < TICK.as_micros());

/// The processors as one app has them. Its guests wait in a line of its own, and no more of them than there are processors in the line of all.
#[derive(Clone)]
pub(super) struct Processors {
    count: usize,
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Processors {
    /// Those of this machine, for one more app of whichever sandbox.
    pub(super) fn of_machine() -> Self {
        static ALL: LazyLock<Processors> = LazyLock::new(|| {
            let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
            Processors::new(processors)
        });
        ALL.for_another_app()
    }

    fn new(count: usize) -> Self {
        Self {
            count,
            own: Arc::new(Semaphore::new(count)),
            all: Arc::new(Semaphore::new(count)),
        }
    }

    /// As many as there are, however many are taken now.
    fn for_another_app(&self) -> Self {
        Self {
            own: Arc::new(Semaphore::new(self.count)),
            ..self.clone()
        }
    }
}

/// A processor, for as long as this lives.
pub(super) struct Processor {
    _of_all: OwnedSemaphorePermit,
    _of_own: OwnedSemaphorePermit,
}

/// Lets the next guest have a processor. A thread of its own does that: a task that is woken on a serving thread goes first there, before all
/// that were ready already.
pub(super) fn give_on(processor: Processor) {
    static GIVEN: LazyLock<Option<Sender<Processor>>> = LazyLock::new(|| {
        let (given, taken) = channel();
        let thread = std::thread::Builder::new().name("processors".into());
        let begun = thread.spawn(move || taken.into_iter().for_each(drop));
        begun.ok().map(|_| given)
    });
    if let Some(given) = &*GIVEN {
        drop(given.send(processor)); // what cannot be sent is given on here
    }
}

/// How the guests of a route execute. The next need not have a turn or two before it is known for what it is: with a hundred that begin anew
/// all the time, others would wait for all of those.
#[derive(Default)]
pub(super) struct Habit(AtomicU32);

impl Habit {
    /// That of one more of them.
    pub(super) fn pace(&self) -> Pace {
        let is_known = KNOWN <= self.0.load(Ordering::Relaxed);
        Pace {
            weight: if is_known { HEAVIEST } else { 0 },
            ..Pace::default()
        }
    }

    fn note(&self, was_heavy: bool) {
        let known = self.0.load(Ordering::Relaxed);
        let noted = match was_heavy {
            true => (known + 1).min(MOST_KNOWN),
            false => known.saturating_sub(1),
        };
        if noted != known {
            self.0.store(noted, Ordering::Relaxed); // one that gets lost among many makes no difference
        }
    }
}

/// How one guest executes.
#[derive(Default)]
pub(super) struct Pace {
    weight: u32,
    /// What it would weigh if nothing had been known of its route.
    own: u32,
    /// That was heavy once.
    was_heavy: bool,
    /// Where it waits; made with its first wait.
    line: Option<Line>,
}

/// A guest's place in both lines.
struct Line {
    own: PollSemaphore,
    all: PollSemaphore,
    of_own: Option<OwnedSemaphorePermit>,
    /// What it was given while it waited.
    given: Option<Processor>,
    waits: bool,
}

impl Line {
    fn of(processors: &Processors) -> Self {
        Self {
            own: PollSemaphore::new(Arc::clone(&processors.own)),
            all: PollSemaphore::new(Arc::clone(&processors.all)),
            of_own: None,
            given: None,
            waits: false,
        }
    }

    /// Who had to wait yields once when it is given one, so it comes after all that is ready on its thread. Else it would come first: it was woken by
    /// another thread, and where polls take 3 ms tokio looks at what others have woken after every other poll, so there would be one request
    /// for each turn. None if there are no processors any more, which does not happen.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Processor>> {
        if let Some(given) = self.given.take() {
            return Poll::Ready(Some(given));
        }
        let acquired = self.acquire(cx);
        let waited = std::mem::replace(&mut self.waits, acquired.is_pending());
        let processor = ready!(acquired);
        if waited && processor.is_some() {
            self.given = processor;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(processor)
    }

    fn acquire(&mut self, cx: &mut Context<'_>) -> Poll<Option<Processor>> {
        if self.of_own.is_none() {
            self.of_own = ready!(self.own.poll_acquire(cx));
        }
        let of_all = ready!(self.all.poll_acquire(cx));
        let both = of_all.zip(self.of_own.take());
        Poll::Ready(both.map(|(of_all, of_own)| Processor {
            _of_all: of_all,
            _of_own: of_own,
        }))
    }
}

impl Pace {
    /// Waits until the guest may be polled, with what it has to hold meanwhile: nothing, for all but those that execute for long.
    pub(super) fn poll_processor(
        &mut self,
        cx: &mut Context<'_>,
        processors: &Processors,
    ) -> Poll<Option<Processor>> {
        let bearable = match processors.all.available_permits() {
            0 => WEIGHT,
            _ => HEAVY,
        };
        if self.weight < bearable {
            self.leave(); // it may have been given one meanwhile
            return Poll::Ready(None);
        }
        let line = self.line.get_or_insert_with(|| Line::of(processors));
        line.poll(cx)
    }

    /// Waits no more. Whoever stops polling for now has to say so: it would keep the processor that it is given.
    pub(super) fn leave(&mut self) {
        self.line = None;
    }

    /// Notes how long a poll took.
    pub(super) fn ran(&mut self, time: Duration, habit: &Habit) {
        for weight in [&mut self.weight, &mut self.own] {
            *weight = match LONG <= time {
                true => (*weight + WEIGHT).min(HEAVIEST),
                false => weight.saturating_sub(1),
            };
        }
        if !self.was_heavy && HEAVY <= self.own {
            self.was_heavy = true;
            habit.note(true);
        }
    }

    /// Notes that the guest has finished.
    pub(super) fn finished(&self, habit: &Habit) {
        if !self.was_heavy {
            habit.note(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// One that is known for heavy by its own polls.
    fn heavy() -> Pace {
        let mut guest = Pace::default();
        (0..HEAVY).for_each(|_| guest.ran(LONG, &Habit::default()));
        guest
    }

    #[test]
    fn of_guests_that_execute_for_long_as_many_run_as_there_are_processors() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Processors::new(2);
        let habit = Habit::default();
        let mut guests: [Pace; 3] = Default::default();
        for guest in &mut guests {
            guest.ran(TICK, &habit);
            let turn = guest.poll_processor(&mut cx, &processors);
            assert!(matches!(turn, Poll::Ready(None)), "after one long poll");
            guest.ran(TICK, &habit);
        }
        let [running @ .., last] = &mut guests;
        let mut held: Vec<_> = running
            .iter_mut()
            .map(|guest| match guest.poll_processor(&mut cx, &processors) {
                Poll::Ready(Some(turn)) => turn,
                _ => panic!("there is one for each"),
            })
            .collect();
        assert!(last.poll_processor(&mut cx, &processors).is_pending());
        let mut other = Pace::default();
        assert!(matches!(
            other.poll_processor(&mut cx, &processors),
            Poll::Ready(None)
        ));
        other.ran(TICK, &habit);
        let bound = other.poll_processor(&mut cx, &processors);
        assert!(bound.is_pending(), "none is free");
        other.leave();
        held.pop();
        let next = last.poll_processor(&mut cx, &processors);
        assert!(next.is_pending(), "after all that is ready");
        assert!(matches!(
            last.poll_processor(&mut cx, &processors),
            Poll::Ready(Some(_))
        ));
        assert!(
            other.poll_processor(&mut cx, &processors).is_ready(),
            "as long as it is not heavy"
        );
        for _ in 0..HEAVY {
            last.ran(LONG / 2, &habit);
        }
        let unbound = last.poll_processor(&mut cx, &processors);
        assert!(matches!(unbound, Poll::Ready(None)), "it has paused");
    }

    #[test]
    fn who_leaves_gives_up_what_it_was_given_meanwhile() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Processors::new(1);
        let [mut first, mut second, mut third] = [heavy(), heavy(), heavy()];
        let Poll::Ready(Some(held)) = first.poll_processor(&mut cx, &processors) else {
            panic!("it is free");
        };
        assert!(second.poll_processor(&mut cx, &processors).is_pending());
        assert!(third.poll_processor(&mut cx, &processors).is_pending());
        drop(held); // it is the second's now, which does not look
        assert!(third.poll_processor(&mut cx, &processors).is_pending());
        second.leave();
        assert!(third.poll_processor(&mut cx, &processors).is_pending());
        let third = third.poll_processor(&mut cx, &processors);
        assert!(third.is_ready(), "after all that is ready");
    }

    #[test]
    fn who_need_not_wait_any_more_gives_up_what_it_was_given_meanwhile() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Processors::new(2);
        let held = [heavy(), heavy()].map(|mut guest| guest.poll_processor(&mut cx, &processors));
        let mut light = Pace::default();
        light.ran(LONG, &Habit::default());
        assert!(light.poll_processor(&mut cx, &processors).is_pending());
        drop(held); // one is the third's, and one is free
        let unbound = light.poll_processor(&mut cx, &processors);
        assert!(matches!(unbound, Poll::Ready(None)));
        assert_eq!(processors.all.available_permits(), 2);
        assert_eq!(processors.own.available_permits(), 2);
    }

    #[test]
    fn apps_take_turns_however_many_guests_of_one_wait() {
        let mut cx = Context::from_waker(Waker::noop());
        let greedy = Processors::new(1);
        let (mut many, mut one): (Vec<_>, _) = ((0..100).map(|_| heavy()).collect(), heavy());
        let mut turn = |guest: &mut Pace, app: &Processors| {
            let mut looks = (0..2).map(|_| guest.poll_processor(&mut cx, app));
            looks.find(Poll::is_ready)
        };
        let taken = turn(&mut many[0], &greedy);
        let modest = greedy.for_another_app(); // one that comes while none is free
        drop(taken);
        for _ in 0..3 {
            let turns = many.iter_mut().filter_map(|guest| turn(guest, &greedy));
            let turns: Vec<_> = turns.collect();
            assert_eq!(turns.len(), 1);
            assert!(turn(&mut one, &modest).is_none());
            drop(turns);
            assert!(
                turn(&mut one, &modest).is_some(),
                "after one turn of theirs"
            );
        }
    }

    #[test]
    fn a_short_pause_between_long_polls_makes_no_difference() {
        let habit = Habit::default();
        let mut guest = Pace::default();
        for _ in 0..HEAVY {
            guest.ran(LONG, &habit);
            guest.ran(LONG / 2, &habit);
        }
        assert!(HEAVY <= guest.weight);
    }

    #[test]
    fn the_next_of_a_route_that_executes_for_long_waits_from_the_first_poll_on() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Processors::new(1);
        let habit = Habit::default();
        let is_bound = |pace: &mut Pace, cx: &mut Context<'_>| {
            let turn = pace.poll_processor(cx, &processors);
            !matches!(turn, Poll::Ready(None))
        };
        let run = |polls: &[Duration]| {
            let mut pace = habit.pace();
            polls.iter().for_each(|time| pace.ran(*time, &habit));
            pace.finished(&habit);
        };
        let (long, short) = (TICK, LONG / 2);
        for _ in 0..KNOWN {
            assert!(!is_bound(&mut habit.pace(), &mut cx));
            run(&[long, short, long, long]);
        }
        let mut next = habit.pace();
        assert!(is_bound(&mut next, &mut cx));
        next.leave();
        (0..HEAVIEST).for_each(|_| next.ran(short, &habit));
        assert!(!is_bound(&mut next, &mut cx), "this one is not like them");

        (0..100).for_each(|_| run(&[long, long]));
        (0..MOST_KNOWN).for_each(|_| run(&[long, short]));
        assert!(!is_bound(&mut habit.pace(), &mut cx), "it is forgiven");
    }
}
