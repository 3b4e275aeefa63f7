//! Posts taken, kept, lost and handed over, on a clock that stands still until somebody waits for it.

use std::{
    future::pending,
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::task::JoinHandle;

use super::*;
use crate::testing::{FlakyLog, LeaseTable};

const TIME: Duration = Duration::from_secs(10);

/// How many work at once, and how many shifts there have been.
#[derive(Debug, Default)]
struct Workplace {
    working: AtomicU32,
    together_max: AtomicU32,
    shifts: AtomicU32,
}

struct AtWork(Arc<Workplace>);

impl AtWork {
    fn begin(place: &Arc<Workplace>) -> Self {
        place.shifts.fetch_add(1, Ordering::SeqCst);
        let together = place.working.fetch_add(1, Ordering::SeqCst) + 1;
        place.together_max.fetch_max(together, Ordering::SeqCst);
        Self(Arc::clone(place))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One process that wants the post.
struct Candidate {
    log: Arc<FlakyLog>,
    post: Arc<Post>,
    stopper: Stopper,
    keeping: JoinHandle<()>,
}

impl Candidate {
    /// One whose work ends when it is told to, or never.
    fn new(leases: &LeaseTable, place: &Arc<Workplace>, obedient: bool) -> Self {
        let log = FlakyLog::default().of_another_process(leases.of_another_process());
        let grantor = Grantor::Log(Arc::clone(&log) as Arc<dyn Log>);
        let post = Post::new("sums", grantor, holder(), TIME);
        let (keeper, place, stopper) = (Arc::clone(&post), Arc::clone(place), Stopper::new());
        let stop = stopper.listener();
        let keeping = tokio::spawn(async move {
            let work = |mut stop: Stop| {
                let at_work = AtWork::begin(&place);
                async move {
                    let _at_work = at_work;
                    if obedient {
                        stop.wait().await;
                    } else {
                        pending::<()>().await;
                    }
                }
            };
            keeper.keep(stop, work, pending).await;
        });
        Self { log, post, stopper, keeping }
    }

    async fn has_it(&self) {
        let asked = async {
            while !self.post.is_ours() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(10 * TIME, asked).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_for_as_long_as_it_can_be_renewed() {
    let (leases, place) = (LeaseTable::default(), Arc::default());
    let one = Candidate::new(&leases, &place, true);
    one.has_it().await;
    let other = Candidate::new(&leases, &place, true);
    sleep(20 * TIME).await;
    // Not being able to ask for a while does no harm.
    one.log.leases_unreachable.store(true, Ordering::SeqCst);
    sleep(TIME / 3).await;
    one.log.leases_unreachable.store(false, Ordering::SeqCst);
    sleep(20 * TIME).await;
    assert!(one.post.is_ours() && !other.post.is_ours());
    assert!(other.post.held_by().is_some_and(|by| by == *one.post.holder));
    assert_eq!(place.shifts.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_has_stopped_before_anybody_else_begins() {
    for obedient in [true, false] {
        let (leases, place) = (LeaseTable::default(), Arc::default());
        let one = Candidate::new(&leases, &place, obedient);
        one.has_it().await;
        let other = Candidate::new(&leases, &place, obedient);
        for _ in 0..5 {
            one.log.leases_unreachable.store(true, Ordering::SeqCst);
            other.has_it().await;
            assert!(!one.post.is_ours());
            one.log.leases_unreachable.store(false, Ordering::SeqCst);
            other.log.leases_unreachable.store(true, Ordering::SeqCst);
            one.has_it().await;
            other.log.leases_unreachable.store(false, Ordering::SeqCst);
        }
        assert_eq!(place.together_max.load(Ordering::SeqCst), 1, "obedient: {obedient}");
        assert_eq!(place.shifts.load(Ordering::SeqCst), 11);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_gives_the_lease_back() {
    let (leases, place) = (LeaseTable::default(), Arc::default());
    let one = Candidate::new(&leases, &place, true);
    one.has_it().await;
    let other = Candidate::new(&leases, &place, true);
    sleep(TIME).await;
    let before = Instant::now();
    one.stopper.stop();
    one.keeping.await.unwrap();
    other.has_it().await;
    assert!(before.elapsed() <= TIME / 5, "{:?}", before.elapsed());
    assert_eq!(place.together_max.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_by_itself_is_not_begun_again() {
    let log = FlakyLog::default().of_another_process(LeaseTable::default());
    let post = Post::new("sums", Grantor::Log(log), holder(), TIME);
    let stopper = Stopper::new();
    timeout(TIME, post.keep(stopper.listener(), |_| async {}, pending)).await.unwrap();
    assert!(!post.is_ours());
}
