//! Watches the nodes while they are loaded: what each tells of itself, several times a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::http;
use super::node::Place;
use crate::moment;

/// Between two looks at a node.
pub(crate) const PERIOD: Duration = Duration::from_millis(125);
/// A node that takes longer to tell is one that does not answer.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// What a node tells of itself (`/stats`), as far as it is looked at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct View {
    /// `normal` or `joining`.
    pub(crate) state: String,
    /// Keys in its store.
    pub(crate) keys: u64,
    /// The peers as it sees them, itself among them.
    pub(crate) peers: Vec<PeerView>,
}

/// One peer as a node sees it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PeerView {
    /// Its name in the ring.
    pub(crate) name: String,
    /// `normal`, `joining`, `down`, …
    pub(crate) state: String,
    /// Whether it is the node itself.
    pub(crate) local: bool,
    /// Hints kept for it.
    pub(crate) hints_stored: u64,
    /// Hints it has acknowledged.
    pub(crate) hints_delivered_total: u64,
    /// Hints given up because of their age.
    pub(crate) hints_expired_total: u64,
    /// Hints not taken for want of room.
    pub(crate) hints_refused_total: u64,
}

impl View {
    /// Whether it and all its peers are as they should be.
    pub(crate) fn is_normal(&self) -> bool {
        self.state == "normal" && self.peers.iter().all(|peer| peer.state == "normal")
    }

    /// Hints it keeps, for all peers.
    pub(crate) fn hints_stored(&self) -> u64 {
        self.peers.iter().map(|peer| peer.hints_stored).sum()
    }

    /// Hints that no peer will ever see.
    pub(crate) fn hints_dropped(&self) -> u64 {
        let dropped = |peer: &PeerView| peer.hints_expired_total + peer.hints_refused_total;
        self.peers.iter().map(dropped).sum()
    }
}

/// Asks a node.
///
/// # Errors
/// It does not answer in time, or not in that form.
pub(crate) fn view(place: &Place) -> Result<View> {
    let page = http::get(place.admin, "/stats", ANSWER_MAX)?;
    serde_json::from_str(&page).with_context(|| format!("/stats of {}", place.name))
}

/// One look at one node.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When it was taken, ms since 1970.
    pub(crate) unix_ms: u64,
    /// Which node.
    pub(crate) node: usize,
    /// What it told; nothing when it did not answer.
    pub(crate) view: Option<View>,
}

/// Threads that look at the nodes, one each, until told to stop.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Sample>>>,
}

impl Watch {
    /// Starts looking.
    pub(crate) fn start(places: &[Place]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let watcher = |(node, place): (usize, &Place)| {
            let (place, stop) = (place.clone(), Arc::clone(&stop));
            std::thread::spawn(move || watch(node, &place, &stop))
        };
        Self {
            threads: places.iter().enumerate().map(watcher).collect(),
            stop,
        }
    }

    /// Stops and gives what was seen, in order of time.
    pub(crate) fn finish(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples: Vec<Sample> = self
            .threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect();
        samples.sort_by_key(|sample| (sample.unix_ms, sample.node));
        samples
    }
}

fn watch(node: usize, place: &Place, stop: &AtomicBool) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let view = view(place).ok();
        samples.push(Sample {
            unix_ms: moment::unix_ms(),
            node,
            view,
        });
        next = (next + PERIOD).max(Instant::now());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    samples
}
