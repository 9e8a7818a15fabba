//! What the node wants an operator to know, as log lines.

use ringlab_core::ids::PeerId;
use ringlab_core::node::Notice;
use ringlab_core::topology::Topology;
use tracing::{debug, info, warn};

/// Names for the peers' ids.
#[derive(Clone, Debug)]
pub struct Notices {
    names: Vec<String>,
}

impl Notices {
    /// For the peers of this ring.
    #[must_use]
    pub fn new(topology: &Topology) -> Self {
        let names = topology
            .peers()
            .iter()
            .map(|peer| peer.name.clone())
            .collect();
        Self { names }
    }

    /// Writes the line.
    pub fn log(&self, notice: &Notice) {
        match notice {
            Notice::PeerNormal(peer) => info!(peer = self.name(*peer), "peer is up"),
            Notice::PeerJoining(peer) => info!(peer = self.name(*peer), "peer is catching up"),
            Notice::PeerLeaving(peer) => info!(peer = self.name(*peer), "peer is leaving"),
            Notice::PeerDown(peer, why) => warn!(peer = self.name(*peer), why, "peer is down"),
            Notice::PeerRefused(why) => warn!(why = why.as_str(), "a peer was refused"),
            Notice::TopologyDiffers(peer) => {
                warn!(
                    peer = self.name(*peer),
                    "peer has another ring than this node"
                );
            }
            Notice::Joined { entries } => info!(entries, "caught up with the replicas"),
            Notice::SlowReader { queued_bytes } => {
                warn!(
                    queued_bytes,
                    "closed a client that does not read its replies"
                );
            }
            Notice::ShadowDisagrees { chosen, shadow } => {
                debug!(
                    chosen = self.list(chosen),
                    shadow = self.list(shadow),
                    "the shadow placing disagrees"
                );
            }
        }
    }

    fn name(&self, peer: PeerId) -> &str {
        self.names.get(peer.index()).map_or("?", String::as_str)
    }

    fn list(&self, peers: &[PeerId]) -> String {
        let names: Vec<&str> = peers.iter().map(|peer| self.name(*peer)).collect();
        names.join(",")
    }
}
