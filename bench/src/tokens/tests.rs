use ringlab_core::distribution::{DistributionKind, Token};
use ringlab_core::hash::HashKind;

use super::*;

fn claimant(name: &str, tokens: &[u32]) -> Claimant {
    Claimant {
        name: name.to_owned(),
        tokens: tokens
            .iter()
            .map(|token| Token::of_hash(u64::from(*token)))
            .collect(),
        weight: 1,
    }
}

const ALL: Measure = Measure::Values(1 << 32);

/// What the engine's own ring says of the same tokens.
fn shares(tokens: &[Vec<u32>]) -> Vec<f64> {
    let claimants: Vec<Claimant> = tokens
        .iter()
        .zip(0..)
        .map(|(tokens, number)| claimant(&format!("p{number}"), tokens))
        .collect();
    let hash = HashKind::by_name("murmur").expect("in the table");
    let vnode = DistributionKind::by_name("vnode").expect("in the table");
    vnode.build(&claimants, hash).expect("a ring").shares()
}

#[test]
fn even_tokens_give_even_shares() {
    for (peers, each) in [(1, 1), (3, 1), (4, 1), (5, 16), (64, 8)] {
        let tokens = even(&ALL, peers, each);
        for share in shares(&tokens) {
            let off = (share * peers as f64 - 1.0).abs();
            assert!(off < 1e-6, "{peers} × {each}: {share}");
        }
    }
    assert_eq!(even(&ALL, 4, 1)[3], [u32::MAX]);
    // A 15-bit hash never goes past 32767.
    assert_eq!(even(&Measure::Values(1 << 15), 2, 1), [[16383], [32767]]);
}

/// Two equal halves; the best one token can do is half of one: 1/4, 1/4, 1/2.
#[test]
fn one_token_takes_half_of_the_fullest() {
    let ring = [claimant("a", &[u32::MAX]), claimant("b", &[0x7fff_ffff])];
    let plan = joined(String::new(), &ALL, &ring, ("c", 1));
    let after: Vec<f64> = plan.peers.iter().map(|peer| peer.share_after).collect();
    let mut sorted = after.clone();
    sorted.sort_by(f64::total_cmp);
    for (share, expected) in sorted.iter().zip([0.25, 0.25, 0.5]) {
        assert!((share - expected).abs() < 1e-6, "{after:?}");
    }
    assert!((plan.moved_share.expect("a ring before") - 0.25).abs() < 1e-6);
}

/// With a token for each donor the newcomer gets its part from all, and nothing else moves.
#[test]
fn as_many_tokens_as_peers_balance_and_move_only_the_newcomers_part() {
    for count in [3_usize, 10, 40] {
        let ring: Vec<Claimant> = even(&ALL, count, 4)
            .iter()
            .zip(0..)
            .map(|(tokens, number)| claimant(&format!("p{number}"), tokens))
            .collect();
        let plan = joined(String::new(), &ALL, &ring, ("new", count));
        assert!(plan.cv_after < 1e-5, "{count}: {}", plan.cv_after);
        let ideal = 1.0 / (count as f64 + 1.0);
        let moved = plan.moved_share.expect("a ring before");
        assert!((moved - ideal).abs() < 1e-6, "{count}: {moved} {ideal}");
        assert!(plan.peers[..count].iter().all(|peer| !peer.changed));
        let tokens: Vec<Vec<u32>> = plan.peers.iter().map(|peer| peer.tokens.clone()).collect();
        for (share, peer) in shares(&tokens).iter().zip(&plan.peers) {
            assert!((share - peer.share_after).abs() < 1e-6, "{}", peer.name);
        }
    }
}

/// An uneven ring of random tokens: a newcomer makes it more even and takes from the fullest.
#[test]
fn a_newcomer_makes_an_uneven_ring_more_even() {
    let token = |n: u32| n.wrapping_mul(0x9e37_79b9) ^ (n << 7);
    let ring: Vec<Claimant> = (0..6)
        .map(|peer| {
            claimant(
                &format!("p{peer}"),
                &[token(3 * peer + 1), token(3 * peer + 2)],
            )
        })
        .collect();
    let plan = joined(String::new(), &ALL, &ring, ("new", 2));
    let before = plan.cv_before.expect("a ring before");
    assert!(plan.cv_after < before, "{before} → {}", plan.cv_after);
    let newcomer = plan.peers.last().expect("it joined");
    let moved = plan.moved_share.expect("a ring before");
    assert!((moved - newcomer.share_after).abs() < 1e-9);
}

#[test]
fn tokens_by_keys_give_each_peer_as_many_keys() {
    let hash = HashKind::by_name("fnv1a_64").expect("in the table");
    let hashes: Vec<u32> = (0..30_000)
        .map(|number| hash.hash(format!("key-{number}").as_bytes()) as u32)
        .collect();
    let measure = Measure::of_keys(hashes.clone()).expect("keys");
    let ring: Vec<Claimant> = even(&ALL, 3, 1)
        .iter()
        .zip(0..)
        .map(|(tokens, number)| claimant(&format!("p{number}"), tokens))
        .collect();
    let plan = anew(String::new(), &measure, &ring, None);
    assert!(plan.cv_before.expect("a ring before") > 0.01);
    assert!(plan.cv_after < 0.001, "{}", plan.cv_after);
    let tokens: Vec<u32> = plan.peers.iter().map(|peer| peer.tokens[0]).collect();
    let first = hashes.iter().filter(|hash| **hash <= tokens[0]).count();
    assert!((9990..=10_010).contains(&first), "{first}");
}
