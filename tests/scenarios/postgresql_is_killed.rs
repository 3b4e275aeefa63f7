//! Daybook on PostgreSQL while one of the two dies under load: Daybook, the server, or the primary of a
//! pair whose standby takes over.

use std::time::{Duration, Instant};

use rand::Rng;
use test_postgres::Server;
use tests::{
    Engine, House, Settings,
    postgres::{self, url_of_both},
    storm::{Done, Storm, Unanswered, aftermath},
};

use super::it_is_killed::{rounds, seeded, the_power_fails};

/// Acknowledgements after which Daybook is back at work.
const BACK_AT_WORK: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daybook_is_killed_and_nothing_is_lost_or_doubled() {
    the_power_fails(House::open_on(postgres::engine().await).await, rounds(2, 25)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_killed_and_daybook_goes_on_when_it_is_back() {
    let mut server = blocking(Server::start).await;
    let engine = Engine::Postgres(server.database().url().to_owned());
    let house = House::open_on(engine).await;
    let (mut random, begun) = (seeded(), Instant::now());
    let seller = house.seller("walnut").await;
    let (done, rounds, mut longest) = (Done::default(), rounds(2, 25), Duration::ZERO);
    for round in 0..rounds {
        let storm = Storm::over(&house, &seller, &done, round, Unanswered::AsksAgain).await;
        done.grows_by(random.random_range(1..100), done.count().await).await;
        let killed = Instant::now();
        // This is not waiting for anything: it is how long the server is away.
        let away = Duration::from_millis(random.random_range(0..3_000));
        server = blocking(move || {
            server.kill();
            std::thread::sleep(away);
            server.start_again();
            server
        })
        .await;
        longest = longest.max(is_over(&house, &done, storm, killed).await);
    }
    let figures = aftermath(&house, &seller, &done).await;
    let seconds = begun.elapsed().as_secs();
    eprintln!(
        "PostgreSQL killed {rounds} times under Daybook: {figures}, {seconds} s, at most {longest:.1?} \
         from a kill to the next acknowledgement"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_lost_and_the_same_process_goes_on_at_the_standby() {
    let (mut primary, mut standby) = blocking(|| {
        let primary = Server::start();
        let standby = primary.standby();
        primary.require_synchronous(&standby);
        (primary, standby)
    })
    .await;
    let url = url_of_both(&primary, &standby, primary.database().name());
    let engine = Engine::Postgres(url);
    let settings = Settings { engine, high_availability: true, ..Settings::default() };
    let house = House::open_in(settings).await;
    let (mut random, begun) = (seeded(), Instant::now());
    let seller = house.seller("walnut").await;
    let (done, rounds, mut longest) = (Done::default(), rounds(1, 3), Duration::ZERO);
    // The first round is fair weather, so that there is something to give back in the second.
    for round in 0..=rounds {
        let storm = Storm::over(&house, &seller, &done, round, Unanswered::AsksAgain).await;
        done.grows_by(random.random_range(10..100), done.count().await).await;
        let killed = Instant::now();
        if round > 0 {
            (primary, standby) = blocking(move || fail_over(primary, standby)).await;
        }
        longest = longest.max(is_over(&house, &done, storm, killed).await);
        let doctor = house.daybook.run(&["doctor"]).await.fine();
        assert!(doctor.out.contains("ok    log: PostgreSQL"), "{}", doctor.out);
    }
    let figures = aftermath(&house, &seller, &done).await;
    let seconds = begun.elapsed().as_secs();
    eprintln!(
        "primary lost {rounds} times under Daybook: {figures}, {seconds} s, at most {longest:.1?} from \
         a loss, over a new standby, to the next acknowledgement"
    );
    drop((primary, standby));
}

/// The primary dies, the standby takes over and gets a standby in its turn, where the primary was.
fn fail_over(mut primary: Server, standby: Server) -> (Server, Server) {
    primary.kill();
    standby.promote();
    let next = standby.standby_in_place_of(primary);
    standby.require_synchronous(&next);
    (standby, next)
}

/// The failure is over: Daybook works again by itself, and everything comes to rest. How long it took
/// from the kill to the next acknowledgement.
async fn is_over(house: &House, done: &Done, storm: Storm, killed: Instant) -> Duration {
    let before = done.count().await;
    done.grows_by(1, before).await;
    let away = killed.elapsed();
    done.grows_by(BACK_AT_WORK, before).await;
    storm.calm();
    storm.ends().await;
    house.daybook.be_ready().await;
    house.settle().await;
    assert_eq!(done.missing(&house.admin()).await, Vec::<String>::new());
    away
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}
