//! A ring of real `ringd` processes on loopback, one node a rack, that can be hurt on purpose.

pub(crate) mod http;
mod node;
mod programs;
mod watch;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

pub(crate) use node::{Node, Place, ending_with_us};
pub(crate) use programs::Programs;
pub(crate) use watch::{PeerView, Sample, View, Watch, view};

/// The whole ring is in one place of the hash's range: each rack has one node, which owns all.
const TOKEN: u32 = 0;
/// How long a ring may take to find itself.
const START_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// The nodes of a ring, all of one datacenter, each in a rack of its own: every node is a replica
/// of every key.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
}

impl Cluster {
    /// Starts `count` nodes with their files in `dir`, and waits until each sees all as normal.
    ///
    /// # Errors
    /// A node that ends or is not seen by all others in time.
    pub(crate) fn start(programs: &Programs, dir: &Path, count: usize) -> Result<Self> {
        let places = places(count)?;
        let node = |place: &Place| {
            let yaml = configuration(place, &places);
            Node::new(place.clone(), programs.ringd.clone(), dir, &yaml)
        };
        let mut cluster = Self {
            nodes: places.iter().map(node).collect::<Result<_>>()?,
        };
        for node in &mut cluster.nodes {
            node.start()?;
        }
        cluster.wait_until_normal(START_MAX)?;
        Ok(cluster)
    }

    /// Where the nodes are.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.nodes.iter().map(|node| node.place.clone()).collect()
    }

    /// Waits until every node is healthy and sees every peer as normal.
    ///
    /// # Errors
    /// A node has ended, or it took longer than `max`.
    pub(crate) fn wait_until_normal(&mut self, max: Duration) -> Result<()> {
        self.wait_until("every node sees all nodes as normal", max, View::is_normal)
    }

    /// Waits until what each node tells of itself `holds`.
    ///
    /// # Errors
    /// A node has ended, or it took longer than `max`.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        max: Duration,
        holds: impl Fn(&View) -> bool,
    ) -> Result<()> {
        let began = Instant::now();
        loop {
            for node in &mut self.nodes {
                node.check_alive()?;
            }
            let fine =
                |node: &Node| node.is_healthy() && view(&node.place).is_ok_and(|v| holds(&v));
            if self.nodes.iter().all(fine) {
                return Ok(());
            }
            if began.elapsed() > max {
                bail!("waited {} s in vain until {what}", max.as_secs());
            }
            std::thread::sleep(POLL);
        }
    }
}

/// Places on ports that are free now, three for each node.
fn places(count: usize) -> Result<Vec<Place>> {
    let mut held = Vec::new();
    let mut port = || -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        // Held until all are found, so that no two are the same.
        held.push(listener);
        Ok(address)
    };
    (1..=count)
        .map(|number| {
            Ok(Place {
                name: format!("n{number}"),
                rack: format!("rack{number}"),
                client: port()?,
                peer: port()?,
                admin: port()?,
            })
        })
        .collect()
}

/// A node's configuration, in Dynomite's YAML.
fn configuration(place: &Place, places: &[Place]) -> String {
    let mut yaml = format!(
        "demo:\n  listen: {}\n  dyn_listen: {}\n  stats_listen: {}\n  datacenter: dc1\n  rack: {}\n  \
         tokens: '{TOKEN}'\n  hash: murmur\n  distribution: vnode\n  read_consistency: DC_QUORUM\n  \
         write_consistency: DC_QUORUM\n",
        place.client, place.peer, place.admin, place.rack,
    );
    let others: Vec<&Place> = places.iter().filter(|other| *other != place).collect();
    if !others.is_empty() {
        yaml += "  dyn_seeds:\n";
    }
    for other in others {
        yaml += &format!("    - {}:{}:dc1:{TOKEN}\n", other.peer, other.rack);
    }
    yaml
}

#[cfg(test)]
mod tests {
    use ringlab_core::config::Reader;

    use super::*;

    #[test]
    fn every_node_reads_its_file_and_all_files_tell_one_ring() {
        let places = places(3).expect("free ports");
        for place in &places {
            let mut reader = Reader::new();
            reader.file(&place.name, &configuration(place, &places));
            let configured = reader.finish().expect("a good file");
            assert!(configured.warnings.is_empty(), "{:?}", configured.warnings);
            let ring = configured.pool.topology().expect("a ring");
            assert_eq!((ring.peers().len(), ring.replica_count()), (3, 3));
        }
    }

    #[test]
    fn ports_differ() {
        let places = places(3).expect("free ports");
        let mut ports: Vec<u16> = places
            .iter()
            .flat_map(|place| [place.client, place.peer, place.admin])
            .map(|address| address.port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 9);
    }
}
