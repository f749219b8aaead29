//! Lets no more guests execute for long at once than the machine has processors. However many there are, others wait for a turn of as many.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

use super::engine::TICK;

/// A poll that takes so long is a long one. Those of most guests take less than a tenth of that.
const LONG: Duration = Duration::from_millis(1);
/// So many in a row, and the guest waits for its turns from then on: a first one may just have been unlucky.
const IN_A_ROW: u32 = 2;

const _: () = assert!(LONG.as_micros() < TICK.as_micros());

/// One for each processor, whichever sandbox a guest is of.
pub(super) static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(processors))
});

/// How one guest executes.
#[derive(Default)]
pub(super) struct Pace {
    long_polls: u32,
    /// Where it waits; made with its first wait.
    turn: Option<PollSemaphore>,
}

impl Pace {
    /// Waits until the guest may be polled, with what it has to hold meanwhile: nothing, for all but those that execute for long.
    pub(super) fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        turns: &Arc<Semaphore>,
    ) -> Poll<Option<OwnedSemaphorePermit>> {
        if self.long_polls < IN_A_ROW {
            return Poll::Ready(None);
        }
        let turn = self
            .turn
            .get_or_insert_with(|| PollSemaphore::new(Arc::clone(turns)));
        Poll::Ready(ready!(turn.poll_acquire(cx)))
    }

    /// Notes how long a poll took.
    pub(super) fn ran(&mut self, time: Duration) {
        self.long_polls = match LONG <= time {
            true => self.long_polls.saturating_add(1),
            false => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn of_guests_that_execute_for_long_as_many_run_as_there_are_turns() {
        let mut cx = Context::from_waker(Waker::noop());
        let turns_of_all = Arc::new(Semaphore::new(2));
        let mut guests: [Pace; 3] = Default::default();
        for guest in &mut guests {
            guest.ran(TICK);
            let turn = guest.poll_turn(&mut cx, &turns_of_all);
            assert!(matches!(turn, Poll::Ready(None)), "after one long poll");
            guest.ran(TICK);
        }
        let [running @ .., last] = &mut guests;
        let mut turns: Vec<_> = running
            .iter_mut()
            .map(|guest| match guest.poll_turn(&mut cx, &turns_of_all) {
                Poll::Ready(Some(turn)) => turn,
                _ => panic!("there is one for each"),
            })
            .collect();
        assert!(last.poll_turn(&mut cx, &turns_of_all).is_pending());
        let mut other = Pace::default();
        assert!(matches!(
            other.poll_turn(&mut cx, &turns_of_all),
            Poll::Ready(None)
        ));
        turns.pop();
        assert!(matches!(
            last.poll_turn(&mut cx, &turns_of_all),
            Poll::Ready(Some(_))
        ));
        last.ran(LONG / 2);
        assert!(
            matches!(last.poll_turn(&mut cx, &turns_of_all), Poll::Ready(None)),
            "it has paused"
        );
    }
}
