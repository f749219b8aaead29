//! Lets only as many long-running guests execute at once as there are processors, so that others wait behind no more than those.

use std::num::NonZero;
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

const _: () = assert!(LONG.as_micros() < TICK.as_micros());

/// One for each processor, whichever sandbox a guest is of.
pub(super) static PROCESSORS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(processors))
});

/// Lets the next guest have a processor. A thread of its own does that: a task that is woken on a serving thread goes first there, before all
/// that were ready already.
pub(super) fn give_on(processor: OwnedSemaphorePermit) {
    static GIVEN: LazyLock<Option<Sender<OwnedSemaphorePermit>>> = LazyLock::new(|| {
        let (given, taken) = channel();
        let thread = std::thread::Builder::new().name("processors".into());
        let begun = thread.spawn(move || taken.into_iter().for_each(drop));
        begun.ok().map(|_| given)
    });
    if let Some(given) = &*GIVEN {
        drop(given.send(processor)); // what cannot be sent is given on here
    }
}

/// How one guest executes.
#[derive(Default)]
pub(super) struct Pace {
    weight: u32,
    /// Where it waits; made with its first wait.
    processor: Option<PollSemaphore>,
}

impl Pace {
    /// Waits until the guest may be polled, with what it has to hold meanwhile: nothing, for all but those that execute for long.
    pub(super) fn poll_processor(
        &mut self,
        cx: &mut Context<'_>,
        processors: &Arc<Semaphore>,
    ) -> Poll<Option<OwnedSemaphorePermit>> {
        let bearable = match processors.available_permits() {
            0 => WEIGHT,
            _ => HEAVY,
        };
        if self.weight < bearable {
            return Poll::Ready(None);
        }
        let processor = self
            .processor
            .get_or_insert_with(|| PollSemaphore::new(Arc::clone(processors)));
        Poll::Ready(ready!(processor.poll_acquire(cx)))
    }

    /// Waits no more. Whoever stops polling for now has to say so: it would keep the processor that it is given.
    pub(super) fn leave(&mut self) {
        self.processor = None;
    }

    /// Notes how long a poll took.
    pub(super) fn ran(&mut self, time: Duration) {
        self.weight = match LONG <= time {
            true => (self.weight + WEIGHT).min(2 * HEAVY),
            false => self.weight.saturating_sub(1),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn of_guests_that_execute_for_long_as_many_run_as_there_are_processors() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Arc::new(Semaphore::new(2));
        let mut guests: [Pace; 3] = Default::default();
        for guest in &mut guests {
            guest.ran(TICK);
            let turn = guest.poll_processor(&mut cx, &processors);
            assert!(matches!(turn, Poll::Ready(None)), "after one long poll");
            guest.ran(TICK);
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
        other.ran(TICK);
        let bound = other.poll_processor(&mut cx, &processors);
        assert!(bound.is_pending(), "none is free");
        other.leave();
        held.pop();
        assert!(matches!(
            last.poll_processor(&mut cx, &processors),
            Poll::Ready(Some(_))
        ));
        assert!(
            other.poll_processor(&mut cx, &processors).is_ready(),
            "as long as it is not heavy"
        );
        for _ in 0..HEAVY {
            last.ran(LONG / 2);
        }
        let unbound = last.poll_processor(&mut cx, &processors);
        assert!(matches!(unbound, Poll::Ready(None)), "it has paused");
    }

    #[test]
    fn who_leaves_gives_up_what_it_was_given_meanwhile() {
        let mut cx = Context::from_waker(Waker::noop());
        let processors = Arc::new(Semaphore::new(1));
        let mut guests: [Pace; 3] = Default::default();
        for guest in &mut guests {
            (0..HEAVY).for_each(|_| guest.ran(LONG));
        }
        let [first, second, third] = &mut guests;
        let Poll::Ready(Some(held)) = first.poll_processor(&mut cx, &processors) else {
            panic!("it is free");
        };
        assert!(second.poll_processor(&mut cx, &processors).is_pending());
        assert!(third.poll_processor(&mut cx, &processors).is_pending());
        drop(held); // it is the second's now, which does not look
        assert!(third.poll_processor(&mut cx, &processors).is_pending());
        second.leave();
        assert!(third.poll_processor(&mut cx, &processors).is_ready());
    }

    #[test]
    fn a_short_pause_between_long_polls_makes_no_difference() {
        let mut guest = Pace::default();
        for _ in 0..HEAVY {
            guest.ran(LONG);
            guest.ran(LONG / 2);
        }
        assert!(HEAVY <= guest.weight);
    }
}
