//! Every hash by every placing: the spread of the given keys, or why ringd would not serve.

use ringlab_core::hash::HashKind;

use super::balance::Counted;
use super::data::PairRow;
use super::rings::{Ring, placings};

/// One hash by all placings.
pub(crate) fn measure(
    hash: HashKind,
    (hashes, accesses): (&[u64], &[u32]),
    ring: &Ring,
) -> Vec<PairRow> {
    let row = |placing: super::rings::Placing| {
        let claimants = placing.claimants(ring);
        let spread = placing.build(&claimants, hash).map(|built| {
            let counted = Counted::of(built.as_ref(), hashes, accesses);
            counted.balance(built.as_ref(), &claimants).keys
        });
        PairRow {
            hash: hash.name().to_owned(),
            distribution: placing.kind.name().to_owned(),
            ring: ring.label.clone(),
            peers: ring.peers.len(),
            placing: placing.name,
            refused: spread.as_ref().err().cloned(),
            spread: spread.ok(),
        }
    };
    placings().into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::keyset::KeySet;

    fn rows(hash: HashKind, keys: &KeySet, ring: &Ring) -> Vec<PairRow> {
        let hashes: Vec<u64> = keys.iter().map(|key| hash.hash(key)).collect();
        measure(hash, (&hashes, &keys.accesses), ring)
    }

    /// Spec section 2: crc32's 15 bits on a ring over 2^32 would send everything to one server.
    #[test]
    fn a_pair_is_spread_or_refused_with_a_way_out() {
        let keys = KeySet::of("user:%d@5000").expect("a generator");
        let ring = Ring::made_up(3);
        for hash in HashKind::all() {
            for row in rows(hash, &keys, &ring) {
                let pair = format!("{} × {}", row.hash, row.placing);
                assert_ne!(row.refused.is_some(), row.spread.is_some(), "{pair}");
                if let Some(spread) = row.spread {
                    assert!(spread.peak.seen < 2.99, "{pair} puts all on one node");
                }
            }
        }
        let narrow = rows(
            HashKind::by_name("crc32").expect("in the table"),
            &keys,
            &ring,
        );
        let refused = narrow[0]
            .refused
            .as_deref()
            .expect("15 bits on a ring of 32");
        assert!(refused.contains("works with"), "{refused}");
    }
}
