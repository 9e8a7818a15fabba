//! Does the tool say what a client would have seen? A server stalls for a second in eight.

use std::time::{Duration, Instant};

use crate::support::{Server, alone, right, values};
use ringlab_loadgen::{Marks, Quiet, RunConfig, RunReport, run};

/// Answers at once but for one second, three seconds after its first request.
fn stalling() -> Server {
    let values = values(64);
    let mut first: Option<Instant> = None;
    let mut stalled = false;
    Server::start(move |ask| {
        let since = first.get_or_insert_with(Instant::now).elapsed();
        if !stalled && since >= Duration::from_secs(3) {
            stalled = true;
            std::thread::sleep(Duration::from_secs(1));
        }
        right(&values, ask)
    })
}

fn measure(rate: Option<f64>) -> RunReport {
    let server = stalling();
    let config = RunConfig {
        endpoints: vec![server.endpoint()],
        rate,
        seconds: Some(8.0),
        settle_seconds: 0.0,
        // The backlog of a stall may last beyond the end where the machine has other work.
        drain_ms: 10_000,
        connections: 50,
        ..RunConfig::default()
    };
    run(&config, &Marks::default(), &mut Quiet).unwrap()
}

#[test]
fn a_stall_shows_in_open_loop_and_hides_in_closed_loop() {
    let _turn = alone();
    let open = measure(Some(5000.0));
    // Of 40,000 arrivals 5,000 come during the stall, and wait from 1 s down to nothing. The
    // hundredth part of all, 400, waited longest: those of the stall's first 80 ms.
    let p99 = open.latency.response.p99_ns.unwrap() as f64 / 1e9;
    assert!((0.88..1.3).contains(&p99), "response p99 is {p99} s");
    let max = open.latency.response.max_ns.unwrap() as f64 / 1e9;
    assert!(
        (0.98..1.5).contains(&max),
        "the longest response is {max} s"
    );
    // No tick is skipped: what was offered was sent.
    let count = open.latency.response.count;
    assert!(
        (39_000..41_000).contains(&count),
        "{count} requests recorded"
    );
    assert_eq!(open.totals.failed + open.totals.unfinished, 0);
    assert!(
        open.totals.waited > 3000,
        "{} requests waited for a slot",
        open.totals.waited
    );

    let closed = measure(None);
    let p99 = closed.latency.response.p99_ns.unwrap() as f64 / 1e9;
    assert!(p99 < 0.1, "closed loop sees a p99 of {p99} s");
    assert!(closed.latency.response.max_ns.unwrap() > 980_000_000);
    assert_eq!(
        closed.statement,
        "closed loop: latency excludes waiting the server caused"
    );
    assert!(closed.latency.lag.is_none());
}
