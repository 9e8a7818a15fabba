//! Runs seeds of the simulator: `cargo run --profile sim --features sim --example sim -- --seeds 0..10000`.
//!
//! A seed that breaks a rule is printed with the rule; `--seed N` prints its whole trace.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{panic, thread};

use ringlab_core::sim::{Exercised, Outcome, Planted, Violation, run};

/// Failing seeds printed; the rest is only counted.
const SHOWN_MAX: usize = 20;

struct Args {
    from: u64,
    to: u64,
    trace: bool,
    planted: Planted,
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("{problem}\nusage: sim [--seeds A..B | --seed N] [--planted BUG]");
            for planted in Planted::all() {
                eprintln!("  {:<24} {}", planted.name(), planted.about());
            }
            return ExitCode::from(2);
        }
    };
    if args.trace {
        let outcome = run(args.from, args.planted, true);
        for line in &outcome.lines {
            println!("{line}");
        }
        let mut sum = Sum::default();
        sum.add(args.from, &outcome);
        return report(&sum);
    }
    report(&sweep(&args))
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        from: 0,
        to: 1_000,
        trace: false,
        planted: Planted::default(),
    };
    let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no seed"));
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} wants a value"))?;
        match word.as_str() {
            "--seeds" => {
                let (from, to) = value.split_once("..").ok_or("--seeds wants A..B")?;
                (args.from, args.to) = (number(from)?, number(to)?);
            }
            "--seed" => {
                args.from = number(&value)?;
                args.to = args.from + 1;
                args.trace = true;
            }
            "--planted" => {
                args.planted = Planted::by_name(&value).ok_or(format!("no bug '{value}'"))?;
            }
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(args)
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    run: u64,
    events: u64,
    operations: usize,
    exercised: Exercised,
    failed: Vec<Failure>,
}

/// A seed and what it broke.
struct Failure {
    seed: u64,
    trace_hash: u64,
    what: Vec<String>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.run += 1;
        self.events += outcome.events;
        self.operations += outcome.operations.0;
        self.exercised += outcome.exercised;
        if outcome.violations.is_empty() {
            return;
        }
        let line = |it: &Violation| {
            let at_ms = it.at as f64 / 1e6;
            format!("{} at {at_ms:.3} ms: {}", it.rule, it.what)
        };
        self.failed.push(Failure {
            seed,
            trace_hash: outcome.trace_hash,
            what: outcome.violations.iter().map(line).collect(),
        });
    }

    fn panicked(&mut self, seed: u64) {
        self.run += 1;
        self.failed.push(Failure {
            seed,
            trace_hash: 0,
            what: vec!["a node panicked, see above".to_owned()],
        });
    }

    fn merge(&mut self, mut other: Self) {
        self.run += other.run;
        self.events += other.events;
        self.operations += other.operations;
        self.exercised += other.exercised;
        self.failed.append(&mut other.failed);
    }
}

/// Runs all seeds on all cores.
fn sweep(args: &Args) -> Sum {
    let next = AtomicU64::new(args.from);
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= args.to {
                return sum;
            }
            match panic::catch_unwind(|| run(seed, args.planted, false)) {
                Ok(outcome) => sum.add(seed, &outcome),
                Err(_) => sum.panicked(seed),
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Sum::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            sum.merge(thread.join().expect("panics are caught in the thread"));
        }
    });
    sum.failed.sort_by_key(|failure| failure.seed);
    sum
}

fn report(sum: &Sum) -> ExitCode {
    for failure in sum.failed.iter().take(SHOWN_MAX) {
        println!("seed {} (trace {:016x}):", failure.seed, failure.trace_hash);
        for what in failure.what.iter().take(5) {
            println!("  {what}");
        }
    }
    println!(
        "{} events, {} operations, {:?}",
        sum.events, sum.operations, sum.exercised
    );
    let failed = sum.failed.len() as u64;
    println!("{} passed, {failed} failed", sum.run - failed);
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
