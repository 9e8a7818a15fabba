//! The rings that are compared, made up or from a topology file, and the ways to place their peers.

use anyhow::Result;
use ringlab_core::distribution::{Claimant, Distribution, DistributionKind, Token};
use ringlab_core::hash::HashKind;

use super::keyset::fold;
use super::statistics::Random;

/// The peers of one rack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ring {
    /// How reports call it.
    pub(crate) label: String,
    /// The distribution that a topology file names; none for made-up rings.
    pub(crate) configured: Option<String>,
    pub(crate) peers: Vec<Peer>,
}

/// A peer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) weight: u32,
    /// None when the file gives none.
    pub(crate) tokens: Vec<Token>,
}

impl Ring {
    /// So many peers of weight 1.
    pub(crate) fn made_up(peers: usize) -> Self {
        let peer = |index: usize| Peer {
            name: format!("10.0.{}.{}:8101", index / 256, index % 256),
            weight: 1,
            tokens: Vec::new(),
        };
        Self {
            label: format!("{peers} peers"),
            configured: None,
            peers: (0..peers).map(peer).collect(),
        }
    }

    /// As it is written down for another process: names, weights and tokens.
    pub(crate) fn written(label: &str, peers: &[(String, u32, Vec<String>)]) -> Self {
        let peer = |(name, weight, tokens): &(String, u32, Vec<String>)| Peer {
            name: name.clone(),
            weight: *weight,
            tokens: tokens
                .iter()
                .filter_map(|text| Token::parse(text).ok())
                .collect(),
        };
        Self {
            label: label.to_owned(),
            configured: None,
            peers: peers.iter().map(peer).collect(),
        }
    }

    /// The same peers in another rack: other names, the same tokens and weights.
    fn mirrored(&self, rack: usize) -> Self {
        let mut ring = self.clone();
        for peer in &mut ring.peers {
            peer.name = format!("rack{rack}.{}", peer.name);
        }
        ring
    }

    /// This rack and two like it.
    pub(crate) fn three_racks(&self) -> Vec<Self> {
        let others = [2, 3].map(|rack| self.mirrored(rack));
        std::iter::once(self.clone()).chain(others).collect()
    }
}

/// Parts of 1 by weight.
pub(crate) fn fair_shares(claimants: &[Claimant]) -> Vec<f64> {
    let sum: f64 = claimants.iter().map(|peer| f64::from(peer.weight)).sum();
    let share = |peer: &Claimant| f64::from(peer.weight) / sum;
    claimants.iter().map(share).collect()
}

/// A way to place peers.
#[derive(Debug, Clone)]
pub(crate) struct Placing {
    /// As tables and plots say it.
    pub(crate) name: String,
    pub(crate) kind: DistributionKind,
    points: Points,
}

/// The tokens of a peer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Points {
    /// Those of the file; else one each, so that ranges are as the weights.
    Even,
    /// So many for each unit of weight, by chance.
    Random(usize),
}

/// Points of a peer under `vnode/160`.
const POINTS: usize = 160;

/// Every distribution in table order; `vnode` a second time with random tokens.
pub(crate) fn placings() -> Vec<Placing> {
    let mut placings = Vec::new();
    for kind in DistributionKind::all() {
        placings.push(Placing {
            name: kind.name().to_owned(),
            kind,
            points: Points::Even,
        });
        if kind.name() == "vnode" {
            placings.push(Placing {
                name: format!("vnode/{POINTS}"),
                kind,
                points: Points::Random(POINTS),
            });
        }
    }
    placings
}

impl Placing {
    /// The placing of that name.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        placings().into_iter().find(|placing| placing.name == name)
    }

    /// Whether crates do the same: they know no weights, and one way to give points.
    pub(crate) fn rivals_fit(&self, ring: &Ring) -> bool {
        let equal = ring.peers.iter().all(|peer| peer.weight == 1);
        equal && self.name == self.kind.name()
    }

    /// One line about it.
    pub(crate) fn about(&self) -> String {
        let about = self.kind.row().about;
        match (self.kind.name(), self.points) {
            (_, Points::Random(count)) => format!("{about}; {count} random tokens a peer"),
            ("vnode", Points::Even) => format!("{about}; one token a peer, evenly spaced"),
            _ => about.to_owned(),
        }
    }

    /// The peers with their tokens.
    pub(crate) fn claimants(&self, ring: &Ring) -> Vec<Claimant> {
        let sum: u64 = ring.peers.iter().map(|peer| u64::from(peer.weight)).sum();
        let mut before = 0;
        let claimant = |peer: &Peer| {
            before += u64::from(peer.weight);
            let even = (u128::from(before) << 32) / u128::from(sum.max(1)) - 1;
            Claimant {
                name: peer.name.clone(),
                weight: peer.weight,
                tokens: match self.points {
                    Points::Random(count) => {
                        random_tokens(&peer.name, count * peer.weight as usize)
                    }
                    Points::Even if peer.tokens.is_empty() => vec![Token::of_hash(even as u64)],
                    Points::Even => peer.tokens.clone(),
                },
            }
        };
        ring.peers.iter().map(claimant).collect()
    }

    /// The claimants of a ring, in service.
    ///
    /// # Errors
    /// What ringd would say.
    pub(crate) fn build(
        &self,
        claimants: &[Claimant],
        hash: HashKind,
    ) -> Result<Box<dyn Distribution>, String> {
        let built = self.kind.build(claimants, hash);
        let built = built.map_err(|error| error.to_string())?;
        // Tokens are a ring's way to say weights: here they follow them.
        let by_tokens = self.kind.name() == "vnode";
        let weights = self.kind.check_weights(claimants);
        let checked = weights
            .or_else(|error| if by_tokens { Ok(()) } else { Err(error) })
            .and_then(|()| self.kind.check_spread(built.as_ref(), claimants, hash));
        checked.map_err(|error| error.to_string())?;
        Ok(built)
    }

    /// One more peer, of weight 1; with one token it takes half of the widest range.
    pub(crate) fn newcomer(&self, claimants: &[Claimant]) -> Claimant {
        let name = "10.255.255.255:8101".to_owned();
        let tokens = match self.points {
            Points::Random(count) => random_tokens(&name, count),
            Points::Even => vec![middle_of_widest(claimants)],
        };
        Claimant {
            name,
            tokens,
            weight: 1,
        }
    }
}

fn random_tokens(name: &str, count: usize) -> Vec<Token> {
    let mut random = Random::new(fold(name.bytes()));
    let token = |_| Token::of_hash(random.next() & 0xffff_ffff);
    (0..count).map(token).collect()
}

fn middle_of_widest(claimants: &[Claimant]) -> Token {
    let tokens = claimants.iter().flat_map(|claimant| &claimant.tokens);
    let mut ends: Vec<u64> = tokens
        .filter(|token| !token.is_negative())
        .map(|token| u64::from(token.magnitude()))
        .collect();
    ends.sort_unstable();
    let mut widest = (0, 0);
    for (index, end) in ends.iter().enumerate() {
        // The range before the first token begins behind the last one, beyond the wrap.
        let before = match index {
            0 => ends[ends.len() - 1].cast_signed() - (1 << 32),
            _ => ends[index - 1].cast_signed(),
        };
        let width = end.cast_signed() - before;
        if width >= widest.0 {
            widest = (width, before + width / 2);
        }
    }
    Token::of_hash(widest.1.rem_euclid(1 << 32).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_tokens_follow_weights_and_given_ones_stay() {
        let vnode = Placing::by_name("vnode").expect("in the table");
        let mut ring = Ring::made_up(2);
        ring.peers[0].weight = 3;
        let hash = HashKind::by_name("murmur").expect("in the table");
        let claimants = vnode.claimants(&ring);
        let shares = vnode.build(&claimants, hash).expect("a ring").shares();
        for (share, fair) in shares.iter().zip(fair_shares(&claimants)) {
            assert!((share - fair).abs() < 1e-9, "{shares:?}");
        }
        ring.peers[1].tokens = vec![Token::of_hash(7)];
        assert_eq!(vnode.claimants(&ring)[1].tokens[0].magnitude(), 7);
        let random = Placing::by_name("vnode/160").expect("in the table");
        assert_eq!(random.claimants(&ring)[0].tokens.len(), 480);
    }

    #[test]
    fn a_newcomer_halves_the_widest_range() {
        let vnode = Placing::by_name("vnode").expect("in the table");
        let mut ring = Ring::made_up(3);
        for (peer, token) in ring.peers.iter_mut().zip([100, 300, 4_294_967_295]) {
            peer.tokens = vec![Token::of_hash(token)];
        }
        let newcomer = vnode.newcomer(&vnode.claimants(&ring));
        assert_eq!(
            newcomer.tokens[0].magnitude(),
            300 + (4_294_967_295 - 300) / 2
        );
        for (peer, token) in ring.peers.iter_mut().zip([100, 300, 500]) {
            peer.tokens = vec![Token::of_hash(token)];
        }
        // The range that wraps is from 500 to 100.
        let newcomer = vnode.newcomer(&vnode.claimants(&ring));
        let middle = 500 + ((1_u64 << 32) - 400) / 2;
        assert_eq!(u64::from(newcomer.tokens[0].magnitude()), middle);
    }
}
