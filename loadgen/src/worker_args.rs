//! `ringload worker`, and how a run names its workers.

use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use ringlab_loadgen::{FleetConfig, Secret, serve};

/// Threads here, or hosts.
#[derive(Clone, Debug)]
pub(crate) enum Workers {
    Threads(u32),
    Hosts(Vec<String>),
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(threads) = text.parse() {
            return Ok(Self::Threads(threads));
        }
        let hosts: Vec<String> = text.split(',').map(str::to_owned).collect();
        let named = |host: &String| {
            let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            matches!(port, Some(Ok(_)))
        };
        if hosts.iter().all(named) {
            Ok(Self::Hosts(hosts))
        } else {
            Err("a number of threads, or HOST:PORT,… of workers".into())
        }
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FleetArgs {
    /// Threads here; or HOST:PORT,... of `ringload worker`s that send instead, together and on
    /// one schedule
    #[arg(long, short = 'w', default_value = "1", value_name = "N|HOSTS")]
    workers: Workers,
    /// Threads of each worker, where hosts are given
    #[arg(long, default_value_t = 1)]
    threads: u32,
    /// What the workers want to hear
    #[arg(long, env = "RINGLOAD_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,
}

pub(crate) fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret(text.to_owned()))
}

impl FleetArgs {
    /// All threads, and where they are.
    pub(crate) fn config(&self) -> (u32, FleetConfig) {
        match &self.workers {
            Workers::Threads(threads) => (*threads, FleetConfig::default()),
            Workers::Hosts(hosts) => {
                let fleet = FleetConfig {
                    hosts: hosts.clone(),
                    token: self.token.clone(),
                };
                let count = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
                (self.threads.saturating_mul(count), fleet)
            }
        }
    }
}

/// Sends what runs on other hosts ask for. Whoever has the token can make this host load any
/// server that it reaches; what is measured and the server's password travel unencrypted: use it
/// in a network of your own, or through a tunnel.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Where to listen; port 0 takes a free one and says which
    #[arg(long, default_value = "127.0.0.1:6390", value_name = "HOST:PORT")]
    listen: String,
    /// What a run must know, without sending it; needed where others can connect
    #[arg(long, env = "RINGLOAD_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,
    /// End after so many runs
    #[arg(long)]
    runs: Option<u64>,
}

impl WorkerArgs {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let token = self.token.as_ref().map_or("", |token| &token.0);
        serve(&self.listen, token, self.runs, &mut |text| {
            println!("{text}");
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
