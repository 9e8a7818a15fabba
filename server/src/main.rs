//! ringd: serves, or checks a configuration.

use std::process::ExitCode;

use jemallocator::Jemalloc;
use ringlab_core::config::{ConfigError, Configured};
use ringlab_core::topology::TopologyError;
use ringlab_server::args::{Args, Task};
use ringlab_server::serve::serve;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// The process could not start or go on.
const FAILED: u8 = 1;
/// The configuration is wrong.
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.task {
        Task::Serve => serve(&args),
        Task::Check => args.configure().and_then(|configured| check(&configured)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ConfigError>() || error.is::<TopologyError>() => {
            eprintln!("{error:#}");
            ExitCode::from(MISCONFIGURED)
        }
        Err(error) => {
            eprintln!("ringd: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

/// Says what the configuration makes of this node.
fn check(configured: &Configured) -> anyhow::Result<()> {
    for warning in &configured.warnings {
        eprintln!("{warning}");
    }
    let topology = configured.pool.topology()?;
    println!(
        "ok: {} in cluster {}: nodes {}, replicas of each key {}, {:?} with {}",
        configured.pool.local_name(),
        configured.pool.name,
        topology.peers().len(),
        topology.replica_count(),
        topology.placement().distribution,
        configured.pool.hash.name(),
    );
    Ok(())
}
