//! Who used processor time: the nodes and processes that were named, else what the endpoints say
//! of themselves (`INFO cpu`). Every answer may be missing.

use std::sync::Arc;
use std::time::Duration;

use crate::config::RunConfig;
use crate::decode::Kind;
use crate::dial::{Client, Dialer};
use crate::faults::act::Cast;
use crate::link::Protocol;
use crate::procfs::process_cpu_ns;

/// An endpoint that does not say it in this time is not waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// Windows until an endpoint that failed is asked again.
const RETRY_WINDOWS: u32 = 4;

/// Everything whose processor time is followed.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    sources: Vec<Source>,
    cast: Option<Arc<Cast>>,
}

#[derive(Debug)]
struct Source {
    name: String,
    kind: SourceKind,
    /// Used so far by processes that ended.
    past_ns: u64,
    /// Used so far by the present one.
    present_ns: Option<u64>,
}

#[derive(Debug)]
enum SourceKind {
    /// A process, by its number.
    Process(u32),
    /// A node of the cast, whose process may change.
    Node(u32),
    /// What an endpoint says.
    Info(Box<Informant>),
}

impl Sources {
    /// Those of a run.
    pub(crate) fn of(config: &RunConfig, cast: &Arc<Cast>, dialer: &Dialer) -> Self {
        let nodes = cast
            .pids()
            .into_iter()
            .map(|(name, pid)| Source::new(name, SourceKind::Node(pid)));
        let processes = config
            .server_pids
            .iter()
            .map(|&pid| Source::new(format!("process {pid}"), SourceKind::Process(pid)));
        let mut sources: Vec<Source> = nodes.chain(processes).collect();
        if sources.is_empty() && config.server_info && config.link.protocol == Protocol::Resp {
            let informant = |endpoint: &String| {
                let informant = Informant::new(endpoint, dialer);
                Source::new(endpoint.clone(), SourceKind::Info(Box::new(informant)))
            };
            sources = config.endpoints.iter().map(informant).collect();
        }
        Self {
            sources,
            cast: Some(Arc::clone(cast)),
        }
    }

    /// Their names, in the order of [`used_ns`](Self::used_ns).
    pub(crate) fn names(&self) -> Vec<String> {
        self.sources
            .iter()
            .map(|source| source.name.clone())
            .collect()
    }

    /// True if they are the endpoints themselves, in their order.
    pub(crate) fn are_endpoints(&self) -> bool {
        let first = self.sources.first();
        first.is_some_and(|source| matches!(source.kind, SourceKind::Info(_)))
    }

    /// Nanoseconds that each has used so far.
    pub(crate) fn used_ns(&mut self) -> Vec<Option<u64>> {
        let pids = self.cast.as_ref().map_or_else(Vec::new, |cast| cast.pids());
        self.sources
            .iter_mut()
            .map(|source| source.used_ns(&pids))
            .collect()
    }
}

impl Source {
    fn new(name: String, kind: SourceKind) -> Self {
        Self {
            name,
            kind,
            past_ns: 0,
            present_ns: None,
        }
    }

    fn used_ns(&mut self, pids: &[(String, u32)]) -> Option<u64> {
        let now_ns = match &mut self.kind {
            SourceKind::Process(pid) => process_cpu_ns(*pid),
            SourceKind::Node(pid) => {
                let present = pids.iter().find(|(name, _)| *name == self.name);
                if let Some((_, present)) = present.filter(|(_, present)| present != pid) {
                    *pid = *present;
                    self.past_ns += self.present_ns.take().unwrap_or(0);
                }
                process_cpu_ns(*pid)
            }
            SourceKind::Info(informant) => informant.ask(),
        };
        // A server that was restarted counts from nothing again.
        if now_ns < self.present_ns && now_ns.is_some() {
            self.past_ns += self.present_ns.unwrap_or(0);
        }
        // One that ended keeps what it had used by then.
        self.present_ns = now_ns.or(self.present_ns);
        self.present_ns.map(|present| present + self.past_ns)
    }
}

/// Asks one endpoint.
#[derive(Debug)]
struct Informant {
    endpoint: String,
    dialer: Dialer,
    client: Option<Client>,
    /// Windows until the next attempt.
    rest: u32,
    /// The server does not tell.
    mute: bool,
}

impl Informant {
    fn new(endpoint: &str, dialer: &Dialer) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            dialer: dialer.clone(),
            client: None,
            rest: 0,
            mute: false,
        }
    }

    fn ask(&mut self) -> Option<u64> {
        if self.mute || self.rest > 0 {
            self.rest = self.rest.saturating_sub(1);
            return None;
        }
        let told = self.try_to_ask();
        if told.is_none() {
            self.client = None;
            self.rest = RETRY_WINDOWS;
        }
        told
    }

    fn try_to_ask(&mut self) -> Option<u64> {
        if self.client.is_none() {
            self.client = self.dialer.dial(&self.endpoint).ok();
            self.client.as_ref()?.stream.set_patience(PATIENCE).ok()?;
        }
        let client = self.client.as_mut()?;
        client.send(b"*2\r\n$4\r\nINFO\r\n$3\r\ncpu\r\n").ok()?;
        let mut text = Vec::new();
        let kind = client
            .reply(&mut |_, piece| text.extend_from_slice(piece))
            .ok()?;
        let used = matches!(kind, Kind::Bulk(_)).then(|| used_cpu_ns(&text));
        // It answers, but not this.
        self.mute = !matches!(used, Some(Some(_)));
        used.flatten()
    }
}

/// The sum of `used_cpu_sys` and `used_cpu_user`, in ns.
fn used_cpu_ns(info: &[u8]) -> Option<u64> {
    let info = std::str::from_utf8(info).ok()?;
    let seconds = |name: &str| -> Option<f64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_prefix(':')?.trim().parse().ok()
    };
    let sum = seconds("used_cpu_sys")? + seconds("used_cpu_user")?;
    (sum >= 0.0).then_some((sum * 1e9) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_info_says_is_read() {
        let info = b"# CPU\r\nused_cpu_sys:1.500000\r\nused_cpu_user:0.250000\r\n\
                     used_cpu_sys_children:9.0\r\n";
        assert_eq!(used_cpu_ns(info), Some(1_750_000_000));
        assert_eq!(used_cpu_ns(b"# Server\r\n"), None);
        assert_eq!(used_cpu_ns(b"used_cpu_sys:x\r\nused_cpu_user:1\r\n"), None);
    }

    #[test]
    fn a_process_that_ends_keeps_what_it_used() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mut source = Source::new("it".into(), SourceKind::Process(child.id()));
        let before = source.used_ns(&[]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(source.used_ns(&[]).unwrap() >= before);
        let mut gone = Source::new("gone".into(), SourceKind::Process(child.id()));
        assert_eq!(gone.used_ns(&[]), None);
    }

    #[test]
    fn a_node_that_is_another_process_goes_on_from_the_first_one_s() {
        let mut source = Source::new("n2".into(), SourceKind::Node(std::process::id()));
        source.present_ns = Some(5_000_000_000_000);
        let pids = [("n2".to_owned(), std::process::id())];
        let more = source.used_ns(&pids).unwrap();
        assert!(more >= 5_000_000_000_000, "{more}");
    }
}
