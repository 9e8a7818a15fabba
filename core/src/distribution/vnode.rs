//! Dynomite's token ring: the owner is the first point that is not below the key's token, and
//! past the last point the first one.

use super::ranges::Ranges;
use super::{BuildError, Claimant, Distribution, Token, checked, ring_values};
use crate::hash::HashKind;

/// Most points of a ring.
const POINTS_MAX: usize = 1 << 22;

#[derive(Debug)]
struct Vnode {
    ranges: Ranges,
    claimants: usize,
    hash: HashKind,
}

pub(super) fn build(
    claimants: &[Claimant],
    hash: HashKind,
) -> Result<Box<dyn Distribution>, BuildError> {
    if let Some(claimant) = claimants.iter().find(|claimant| claimant.tokens.is_empty()) {
        return Err(BuildError::NoTokens {
            claimant: claimant.name.clone(),
        });
    }
    let mut continuum: Vec<(Token, u16)> = claimants
        .iter()
        .zip(0_u16..)
        .flat_map(|(claimant, index)| claimant.tokens.iter().map(move |token| (*token, index)))
        .collect();
    if continuum.len() > POINTS_MAX {
        return Err(BuildError::TooMany {
            what: "the number of tokens of a rack",
            count: continuum.len() as u64,
            count_max: POINTS_MAX as u64,
        });
    }
    continuum.sort_unstable();
    let ranges = Ranges::new(ends(&continuum), u32::from(hash.bits().min(32)));
    Ok(Box::new(Vnode {
        ranges,
        claimants: claimants.len(),
        hash,
    }))
}

/// The sorted continuum as ranges of keys' tokens, which have 32 bits and no sign.
///
/// Of equal ends the first one owns: of equal tokens the earlier claimant, and of the two zeros
/// the one that a hash of 0 meets first. What is past the last end meets the first negative point,
/// or wraps to the first point of all.
fn ends(continuum: &[(Token, u16)]) -> impl Iterator<Item = (u64, u16)> {
    let past = continuum
        .iter()
        .find(|(token, _)| token.is_negative())
        .or(continuum.first());
    continuum
        .iter()
        .filter(|(token, _)| !token.is_negative())
        .map(|(token, owner)| (u64::from(token.magnitude()), *owner))
        .chain(past.map(|(_, owner)| (u64::from(u32::MAX), *owner)))
}

impl Distribution for Vnode {
    fn owner(&self, hash: u64) -> usize {
        self.ranges.owner(hash & 0xffff_ffff)
    }

    fn claimants(&self) -> usize {
        self.claimants
    }

    fn entries(&self) -> usize {
        self.ranges.len()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.ranges.bytes()
    }

    fn shares(&self) -> Vec<f64> {
        self.ranges.shares(ring_values(self.hash), self.claimants)
    }

    fn rebuild(&self, claimants: &[Claimant]) -> Result<Box<dyn Distribution>, BuildError> {
        checked(claimants)?;
        build(claimants, self.hash)
    }

    fn candidate(&self, hash: u64, passes: u32) -> usize {
        self.ranges.after(hash & 0xffff_ffff, passes)
    }

    fn capped(&self, caps: &dyn Fn(u64) -> Vec<u64>) -> Option<Box<dyn Distribution>> {
        let values = ring_values(self.hash);
        Some(Box::new(Self {
            ranges: self.ranges.capped(values, caps(values)),
            claimants: self.claimants,
            hash: self.hash,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(tokens: &[&str], hash: &str) -> Box<dyn Distribution> {
        let claimants: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(index, list)| claimant(index, list))
            .collect();
        build(&claimants, HashKind::by_name(hash).unwrap()).unwrap()
    }

    fn claimant(index: usize, tokens: &str) -> Claimant {
        Claimant {
            name: format!("node-{index}"),
            tokens: tokens
                .split(' ')
                .map(|token| Token::parse(token).unwrap())
                .collect(),
            weight: 1,
        }
    }

    /// The definition: the first of the sorted points that is not below the token, else the first.
    fn first_not_below(claimants: &[Claimant], token: Token) -> usize {
        let mut points: Vec<_> = claimants
            .iter()
            .enumerate()
            .flat_map(|(owner, claimant)| claimant.tokens.iter().map(move |point| (*point, owner)))
            .collect();
        points.sort();
        points
            .iter()
            .find(|(point, _)| *point >= token)
            .unwrap_or(&points[0])
            .1
    }

    #[test]
    fn edges_of_the_ring() {
        for (tokens, lookups) in [
            (
                &["10", "20"][..],
                &[(0, 0), (10, 0), (11, 1), (20, 1), (21, 0), (u32::MAX, 0)][..],
            ),
            (&["0", "5"], &[(0, 0), (1, 1), (5, 1), (6, 0)]),
            // "00" is a positive zero, which no key's token is.
            (&["00", "5"], &[(0, 0), (1, 1), (6, 0)]),
            (&["00", "0"], &[(0, 1), (1, 1), (u32::MAX, 1)]),
            // Negative points come after all others; the smallest magnitude comes first.
            (
                &["10", "-5", "-3"],
                &[(10, 0), (11, 2), (u32::MAX, 2), (0, 0)],
            ),
            (&["-5", "-3"], &[(0, 1), (u32::MAX, 1)]),
            (
                &["4294967295", "7"],
                &[(7, 1), (8, 0), (u32::MAX, 0), (0, 1)],
            ),
            // 4294967296 wraps to a positive zero.
            (&["4294967296", "9"], &[(0, 0), (1, 1), (10, 0)]),
            (&["7", "7"], &[(7, 0), (8, 0)]),
            (&["7"], &[(0, 0), (7, 0), (8, 0)]),
            (&["1 100", "50"], &[(1, 0), (50, 1), (51, 0), (101, 0)]),
        ] {
            let built = ring(tokens, "murmur");
            for (token, owner) in lookups {
                assert_eq!(
                    built.owner(u64::from(*token)),
                    *owner,
                    "{tokens:?} at {token}"
                );
            }
        }
    }

    #[test]
    fn shares_count_the_values_of_the_hash() {
        for (tokens, hash, expected) in [
            (
                &["1073741823", "2147483647", "4294967295"][..],
                "murmur",
                &[0.25, 0.25, 0.5][..],
            ),
            (
                &["0", "2147483647"],
                "murmur",
                &[0.5 + 1.0 / 4_294_967_296.0, 0.5 - 1.0 / 4_294_967_296.0],
            ),
            (
                &["8191", "16383", "24575", "32767"],
                "crc32",
                &[0.25, 0.25, 0.25, 0.25],
            ),
            (&["1073741824", "2147483648"], "crc32", &[1.0, 0.0]),
            (&["5", "-1"], "crc32", &[6.0 / 32768.0, 32762.0 / 32768.0]),
            (
                &["1", "9999"],
                "murmur3_x64_64",
                &[
                    (2.0 + 4_294_957_296.0) / 4_294_967_296.0,
                    9998.0 / 4_294_967_296.0,
                ],
            ),
        ] {
            assert_eq!(ring(tokens, hash).shares(), expected, "{tokens:?} {hash}");
        }
    }

    proptest! {
        #[test]
        fn lookups_agree_with_the_definition(
            rings in prop::collection::vec(prop::collection::vec("-?([0-9]{1,12}|[0-9]{1,3})", 1..20), 1..8),
            spread in prop::collection::vec(any::<u32>(), 20),
            hash in prop::sample::select(vec!["murmur", "crc32", "murmur3_x64_64"]),
        ) {
            let claimants: Vec<_> =
                rings.iter().enumerate().map(|(index, list)| claimant(index, &list.join(" "))).collect();
            let built = build(&claimants, HashKind::by_name(hash).unwrap()).unwrap();
            let points = claimants.iter().flat_map(|claimant| &claimant.tokens).map(|token| token.magnitude());
            let near = points.flat_map(|point| [point, point.wrapping_sub(1), point.wrapping_add(1)]);
            for value in near.chain(spread).chain(0..4).map(u64::from) {
                prop_assert_eq!(built.owner(value), first_not_below(&claimants, Token::of_hash(value)), "{}", value);
            }
            prop_assert!((built.shares().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
