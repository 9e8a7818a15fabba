//! From the configured peers to the ring's tables.

use std::sync::Arc;

use super::{Datacenter, Peer, PeerSpec, Placement, Rack, Shadow, Step, Topology, TopologyError};
use crate::distribution::{BuildError, Claimant, Distribution, DistributionKind};
use crate::hash::HashKind;
use crate::ids::PeerId;
use crate::limits::PEERS_MAX;

/// Most datacenters, and most racks of one: their indices have eight bits.
const PLACES_MAX: usize = 256;

impl Topology {
    /// The ring of `specs`, seen from the peer named `local`. The order of `specs` is irrelevant.
    ///
    /// # Errors
    /// When the peers make no ring. A ring in which a peer would own no key is built all the
    /// same: see [`Topology::check_spread`].
    pub fn build(
        mut specs: Vec<PeerSpec>,
        local: &str,
        hash: HashKind,
        distribution: DistributionKind,
        hash_tag: Option<[u8; 2]>,
    ) -> Result<Self, TopologyError> {
        check_peers(&specs)?;
        specs.sort_by(|a, b| {
            (&a.datacenter, &a.rack, &a.name).cmp(&(&b.datacenter, &b.rack, &b.name))
        });
        let placement = Placement {
            hash,
            distribution,
            hash_tag,
        };
        let datacenters = datacenters(&specs, placement)?;
        let peers = peers(specs, &datacenters);
        let local = local_peer(&peers, local)?;
        let mut topology = Self {
            placement,
            peers,
            datacenters,
            local,
            walk: Vec::new(),
            shadow: None,
        };
        topology.preselect_racks();
        topology.walk = topology.steps(|rack| Ok(Arc::clone(&rack.distribution)))?;
        Ok(topology)
    }

    /// No peers at all, which no configuration can say: for D3.
    #[cfg(test)]
    pub(crate) fn without_peers(placement: Placement) -> Self {
        Self {
            placement,
            peers: Vec::new(),
            datacenters: Vec::new(),
            local: PeerId(0),
            walk: Vec::new(),
            shadow: None,
        }
    }

    /// The same ring, with a second placing evaluated beside the first (D7).
    ///
    /// # Errors
    /// When the peers can't be placed by it.
    pub fn with_shadow(
        mut self,
        hash: HashKind,
        distribution: DistributionKind,
    ) -> Result<Self, TopologyError> {
        let walk = self.steps(|rack| {
            distribution
                .build(&self.claimants(rack), hash)
                .map(Arc::from)
        })?;
        let placement = Placement {
            hash,
            distribution,
            ..self.placement
        };
        self.shadow = Some(Shadow { placement, walk });
        Ok(self)
    }

    /// Refuses a ring in which some peer owns none of the values that the hash can give, or has
    /// a weight that the distribution passes over.
    ///
    /// # Errors
    /// Names the peer, its rack, and combinations that work.
    pub fn check_spread(&self) -> Result<(), TopologyError> {
        let Placement {
            hash, distribution, ..
        } = self.placement;
        for datacenter in &self.datacenters {
            for rack in &datacenter.racks {
                let claimants = self.claimants(rack);
                distribution
                    .check_weights(&claimants)
                    .and_then(|()| distribution.check_spread(&*rack.distribution, &claimants, hash))
                    .map_err(|source| in_rack(&datacenter.name, &rack.name, source))?;
            }
        }
        Ok(())
    }

    fn claimants(&self, rack: &Rack) -> Vec<Claimant> {
        rack.peers
            .iter()
            .map(|id| self.peer(*id))
            .map(|peer| Claimant {
                name: peer.name.clone(),
                tokens: peer.tokens.clone(),
                weight: peer.weight,
            })
            .collect()
    }

    fn preselect_racks(&mut self) {
        let (_, local_rack) = self.place(self.local);
        let local_rack = local_rack.to_owned();
        for datacenter in &mut self.datacenters {
            let same_named = datacenter
                .racks
                .iter()
                .position(|rack| rack.name == local_rack);
            datacenter.preselected_rack = same_named.unwrap_or(0) as u8;
        }
    }

    /// Every rack in the order of a replica set.
    fn steps(
        &self,
        mut distribution: impl FnMut(&Rack) -> Result<Arc<dyn Distribution>, BuildError>,
    ) -> Result<Vec<Step>, TopologyError> {
        let mut steps = Vec::new();
        for (datacenter, place) in (0_u8..=u8::MAX).zip(&self.datacenters) {
            for (rack, of_rack) in (0_u8..=u8::MAX).zip(&place.racks) {
                let distribution = distribution(of_rack)
                    .map_err(|source| in_rack(&place.name, &of_rack.name, source))?;
                steps.push(Step {
                    first: of_rack.peers[0].0,
                    datacenter,
                    rack,
                    distribution,
                });
            }
        }
        let local = self.local_datacenter();
        steps.sort_by_key(|step| (step.datacenter != local, step.datacenter, step.rack));
        Ok(steps)
    }
}

/// The racks of sorted `specs`, each with its distribution.
fn datacenters(specs: &[PeerSpec], placement: Placement) -> Result<Vec<Datacenter>, TopologyError> {
    let mut first = 0_u16;
    let mut datacenters = Vec::new();
    for of_datacenter in specs.chunk_by(|a, b| a.datacenter == b.datacenter) {
        let name = of_datacenter[0].datacenter.clone();
        let mut racks = Vec::new();
        for of_rack in of_datacenter.chunk_by(|a, b| a.rack == b.rack) {
            let after = first + of_rack.len() as u16;
            racks.push(Rack {
                name: of_rack[0].rack.clone(),
                peers: (first..after).map(PeerId).collect(),
                distribution: distribution(of_rack, placement)?,
            });
            first = after;
        }
        check_count(racks.len(), PLACES_MAX, || {
            format!("racks of datacenter '{name}'")
        })?;
        datacenters.push(Datacenter {
            name,
            racks,
            preselected_rack: 0,
        });
    }
    check_count(datacenters.len(), PLACES_MAX, || "datacenters".to_owned())?;
    Ok(datacenters)
}

fn distribution(
    rack: &[PeerSpec],
    placement: Placement,
) -> Result<Arc<dyn Distribution>, TopologyError> {
    check_tokens(rack)?;
    let claimants: Vec<_> = rack
        .iter()
        .map(|spec| Claimant {
            name: spec.name.clone(),
            tokens: spec.tokens.clone(),
            weight: spec.weight,
        })
        .collect();
    placement
        .distribution
        .build(&claimants, placement.hash)
        .map(Arc::from)
        .map_err(|source| in_rack(&rack[0].datacenter, &rack[0].rack, source))
}

/// `specs`, sorted as `datacenters` are, with their places as indices.
fn peers(specs: Vec<PeerSpec>, datacenters: &[Datacenter]) -> Vec<Peer> {
    let places = (0_u8..=u8::MAX)
        .zip(datacenters)
        .flat_map(|(datacenter, place)| {
            (0_u8..=u8::MAX)
                .zip(&place.racks)
                .flat_map(move |(rack, of_rack)| {
                    of_rack.peers.iter().map(move |_| (datacenter, rack))
                })
        });
    specs
        .into_iter()
        .zip(places)
        .map(|(spec, (datacenter, rack))| Peer {
            name: spec.name,
            datacenter,
            rack,
            tokens: spec.tokens,
            weight: spec.weight,
        })
        .collect()
}

fn check_peers(specs: &[PeerSpec]) -> Result<(), TopologyError> {
    if specs.is_empty() {
        return Err(TopologyError::NoPeers);
    }
    check_count(specs.len(), PEERS_MAX, || "peers".to_owned())?;
    for spec in specs {
        let parts = [
            ("name", &spec.name),
            ("datacenter", &spec.datacenter),
            ("rack", &spec.rack),
        ];
        if let Some((part, _)) = parts.into_iter().find(|(_, text)| text.is_empty()) {
            return Err(TopologyError::EmptyName {
                name: spec.name.clone(),
                part,
            });
        }
    }
    let mut names: Vec<_> = specs.iter().map(|spec| &spec.name).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(TopologyError::DuplicatePeer {
            name: pair[0].clone(),
        }),
        None => Ok(()),
    }
}

fn check_tokens(rack: &[PeerSpec]) -> Result<(), TopologyError> {
    let mut tokens: Vec<_> = rack
        .iter()
        .flat_map(|spec| spec.tokens.iter().map(move |token| (*token, &spec.name)))
        .collect();
    tokens.sort();
    match tokens.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(TopologyError::DuplicateToken {
            token: pair[0].0,
            rack: rack[0].rack.clone(),
            datacenter: rack[0].datacenter.clone(),
            first: pair[0].1.clone(),
            second: pair[1].1.clone(),
        }),
        None => Ok(()),
    }
}

fn check_count(
    count: usize,
    count_max: usize,
    what: impl FnOnce() -> String,
) -> Result<(), TopologyError> {
    if count <= count_max {
        Ok(())
    } else {
        Err(TopologyError::TooMany {
            what: what(),
            count,
            count_max,
        })
    }
}

fn local_peer(peers: &[Peer], name: &str) -> Result<PeerId, TopologyError> {
    match peers.iter().position(|peer| peer.name == name) {
        Some(index) => Ok(PeerId(index as u16)),
        None => Err(TopologyError::NoLocalPeer {
            name: name.to_owned(),
            known: peers
                .iter()
                .map(|peer| peer.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

fn in_rack(datacenter: &str, rack: &str, source: BuildError) -> TopologyError {
    TopologyError::Rack {
        rack: rack.to_owned(),
        datacenter: datacenter.to_owned(),
        source: Box::new(source),
    }
}
