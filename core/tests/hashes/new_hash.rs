//! Adding a hash, shown with Dan Bernstein's times-33: the function is the new file, the row the
//! new row, and nothing else knows of it. It then passes what every row of the table passes, and
//! spreads keys over a ring by any distribution.
//!
//! In the table it would be `core/src/hash/times33.rs`, a line in `table.rs`, and vectors in
//! `core/tests/golden/`.

use ringlab_core::distribution::{Claimant, DistributionKind, Token};
use ringlab_core::hash::{Cpu, HashKind, HashRow};

use crate::checks::{Vector, check_row};

/// `h = 33 h + byte` from 5381 on, in 32 bits (comp.lang.c, 1991).
fn times33(key: &[u8]) -> u64 {
    let step = |h: u32, &byte: &u8| h.wrapping_mul(33).wrapping_add(u32::from(byte));
    u64::from(key.iter().fold(5381, step))
}

static TIMES33: HashRow = HashRow {
    name: "times33",
    bits: 32,
    function: times33,
    about: "Bernstein's times 33, from 5381",
    cpu: Cpu::Any,
};

/// Written down by another way of computing it: the polynomial, highest power first.
fn vectors() -> Vec<Vector> {
    let key = |len: u32| (0..len).map(|n| (n * 37 + len) as u8).collect::<Vec<_>>();
    let polynomial = |key: &[u8]| {
        let mut power = 1_u64;
        let mut sum = 0;
        for &byte in key.iter().rev() {
            sum = (sum + u64::from(byte) * power) % (1 << 32);
            power = power * 33 % (1 << 32);
        }
        (sum + 5381 * power) % (1 << 32)
    };
    let vector = |len| Vector {
        hash: "times33".to_owned(),
        value: polynomial(&key(len)),
        key: key(len),
        bits: u64::MAX,
        row: format!("{len} bytes"),
    };
    (0..200).map(vector).collect()
}

#[test]
fn one_file_and_one_row_are_a_hash() {
    check_row(&TIMES33, &vectors());
    let hash = HashKind::of(&TIMES33).unwrap();
    let claimants: Vec<_> = (0..3)
        .map(|index| Claimant {
            name: format!("10.0.0.{index}:8101"),
            tokens: vec![Token::of_hash(index * (1 << 32) / 3)],
            weight: 1,
        })
        .collect();
    let slices = DistributionKind::by_name("random_slicing").unwrap();
    let ring = slices.build(&claimants, hash).unwrap();
    slices.check_spread(&*ring, &claimants, hash).unwrap();
    let mut counts = [0; 3];
    for number in 0..3000 {
        counts[ring.owner(hash.hash(format!("user:{number:04}").as_bytes()))] += 1;
    }
    assert!(
        counts.iter().all(|count| (850..1150).contains(count)),
        "{counts:?}"
    );
}

#[test]
#[should_panic(expected = "times33 needs vectors in core/tests/golden")]
fn without_vectors_it_is_refused() {
    check_row(&TIMES33, &[]);
}

#[test]
#[should_panic(expected = "20 bytes: got")]
fn with_a_wrong_vector_it_is_refused() {
    let mut vectors = vectors();
    vectors[20].value ^= 1;
    check_row(&TIMES33, &vectors);
}
