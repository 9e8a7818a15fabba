//! The keys of one command, grouped by where they go (S6).

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::{DispatchConfig, Rule};
use crate::command::Access;
use crate::ids::PeerId;
use crate::limits::REPLICAS_INLINE;
use crate::topology::Topology;

/// Where one key goes: keys of the same place are planned together.
type Place = (SmallVec<[PeerId; REPLICAS_INLINE]>, Rule);

/// Positions of keys (0 is the first key of the command), grouped into parts. Parts are numbered
/// in the order of their first keys; within a part the order of the keys is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    pub(crate) positions: Vec<u32>,
    /// By part: where it ends in `positions`.
    pub(crate) ends: Vec<u32>,
}

impl Split {
    /// Groups `keys` by replica set, level and cap. `None` when they all go the same way, which
    /// is found without allocating.
    #[must_use]
    pub fn of<'k>(
        keys: impl Iterator<Item = &'k [u8]> + Clone,
        access: Access,
        topology: &Topology,
        config: &DispatchConfig,
    ) -> Option<Self> {
        let places = keys.map(|key| place(key, access, topology, config));
        let mut rest = places.clone();
        let first = rest.next()?;
        if rest.all(|place| place == first) {
            return None;
        }
        let mut numbers = BTreeMap::new();
        let parts: Vec<u32> = places
            .map(|place| {
                let next = numbers.len() as u32;
                *numbers.entry(place).or_insert(next)
            })
            .collect();
        Some(Self::by_part(&parts, numbers.len()))
    }

    /// From each key's part to each part's keys.
    #[must_use]
    pub fn by_part(parts: &[u32], part_count: usize) -> Self {
        let mut ends = vec![0; part_count];
        for &part in parts {
            ends[part as usize] += 1;
        }
        let mut next = 0;
        for end in &mut ends {
            (next, *end) = (next + *end, next);
        }
        // `ends` holds the starts until each has moved past its part's keys.
        let mut positions = vec![0; parts.len()];
        for (position, &part) in (0..).zip(parts) {
            positions[ends[part as usize] as usize] = position;
            ends[part as usize] += 1;
        }
        Self { positions, ends }
    }
}

fn place(key: &[u8], access: Access, topology: &Topology, config: &DispatchConfig) -> Place {
    let replicas = topology.replicas(key);
    let peers = replicas.iter().map(|replica| replica.peer).collect();
    (peers, config.rule(key, access))
}
