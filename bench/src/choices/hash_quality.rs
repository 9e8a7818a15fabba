//! How well a hash mixes: the given keys in buckets, bits, avalanche, collisions.

use ringlab_core::hash::HashKind;

use super::data::{Buckets, Collisions, Quality};
use super::keyset::KeySet;
use super::statistics::{Loads, Random, evenness, median};

/// Numbers of buckets: small racks, a power of two, and finer.
const BUCKETS: [usize; 6] = [3, 10, 16, 100, 128, 1024];
/// Keys a bucket at least; with fewer, χ² is not what its law says.
const KEYS_EACH_MIN: usize = 5;
/// Random keys whose bits are flipped, and their length in bytes.
const FLIPPED: usize = 1000;
const FLIPPED_BYTES: usize = 16;
/// Draws for the worst of many bits.
const DRAWS: usize = 51;

/// Measures one hash.
pub(crate) fn measure(hash: HashKind, keys: &KeySet) -> Quality {
    let values: Vec<u64> = keys.iter().map(|key| hash.hash(key)).collect();
    let bits = usize::from(hash.bits());
    let flips = Flips::of(hash);
    let pairs = 8 * FLIPPED_BYTES * bits;
    Quality {
        buckets: buckets(&values, hash.bits()),
        bias_worst: bias(&values, bits),
        bias_floor: worst_by_chance(bits, values.len()),
        avalanche_mean: flips.mean(),
        avalanche_worst: flips.worst(),
        avalanche_floor: worst_by_chance(pairs, FLIPPED),
        collisions: collisions(values, hash.bits()),
    }
}

fn buckets(values: &[u64], bits: u8) -> Vec<Buckets> {
    let mut all = Vec::new();
    for count in BUCKETS {
        if values.len() < KEYS_EACH_MIN * count {
            continue;
        }
        let fair = vec![1.0 / count as f64; count];
        let chance = Loads::by_chance(values.len() as u64, &fair);
        let by_remainder = |value: u64| (value % count as u64) as usize;
        let by_range = |value: u64| ((u128::from(value) * count as u128) >> bits) as usize;
        for (by, bucket) in [
            ("remainder", &by_remainder as &dyn Fn(u64) -> usize),
            ("ranges", &by_range),
        ] {
            let mut counts = vec![0_u64; count];
            for value in values {
                counts[bucket(*value)] += 1;
            }
            all.push(Buckets {
                count,
                by: by.to_owned(),
                evenness: evenness(&counts, &fair, &chance),
            });
        }
    }
    all
}

/// How far the most unequal bit's share of ones is from a half.
fn bias(values: &[u64], bits: usize) -> f64 {
    let ones = |bit: usize| values.iter().filter(|value| *value >> bit & 1 == 1).count();
    let away = |bit: usize| (ones(bit) as f64 / values.len() as f64 - 0.5).abs();
    (0..bits).map(away).fold(0.0, f64::max)
}

/// The median over draws of the worst of `figures` shares of a half, each of so many tosses: by
/// the law of the greatest of independent normal deviations.
fn worst_by_chance(figures: usize, tosses: usize) -> f64 {
    let deviation = 0.5 / (tosses as f64).sqrt();
    let mut random = Random::new(figures as u64);
    let mut worsts: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let draws = (0..figures).map(|_| random.normal().abs());
            deviation * draws.fold(0.0, f64::max)
        })
        .collect();
    median(&mut worsts)
}

/// How often each output bit changed with each input bit.
struct Flips {
    counts: Vec<u32>,
}

impl Flips {
    fn of(hash: HashKind) -> Self {
        let bits = usize::from(hash.bits());
        let mut counts = vec![0_u32; 8 * FLIPPED_BYTES * bits];
        let mut random = Random::new(11);
        let mut key = [0_u8; FLIPPED_BYTES];
        for _ in 0..FLIPPED {
            key.fill_with(|| random.next() as u8);
            let whole = hash.hash(&key);
            for (input, row) in counts.chunks_exact_mut(bits).enumerate() {
                key[input / 8] ^= 1 << (input % 8);
                let changed = whole ^ hash.hash(&key);
                key[input / 8] ^= 1 << (input % 8);
                for (bit, count) in row.iter_mut().enumerate() {
                    *count += (changed >> bit & 1) as u32;
                }
            }
        }
        Self { counts }
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self.counts.iter().map(|count| f64::from(*count)).sum();
        sum / self.counts.len() as f64 / FLIPPED as f64
    }

    fn worst(&self) -> f64 {
        let away = |count: &u32| (f64::from(*count) / FLIPPED as f64 - 0.5).abs();
        self.counts.iter().map(away).fold(0.0, f64::max)
    }
}

fn collisions(mut values: Vec<u64>, bits: u8) -> Collisions {
    let keys = values.len();
    let found = |values: &mut Vec<u64>| {
        values.sort_unstable();
        values.dedup();
        (keys - values.len()) as u64
    };
    let whole = found(&mut values.clone());
    for value in &mut values {
        *value &= 0xffff_ffff;
    }
    Collisions {
        found: whole,
        expected: birthday(keys, f64::from(bits)),
        found_32: found(&mut values),
        expected_32: birthday(keys, f64::from(bits.min(32))),
    }
}

/// Keys minus different values when each value is drawn by chance: k − n(1 − (1 − 1/n)^k).
fn birthday(keys: usize, bits: f64) -> f64 {
    let (keys, values) = (keys as f64, bits.exp2());
    if keys / values < 1e-6 {
        // The difference of two close numbers would be lost.
        return keys * (keys - 1.0) / 2.0 / values;
    }
    keys + values * (keys * (-1.0 / values).ln_1p()).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hash: &str, keys: &str) -> Quality {
        let hash = HashKind::by_name(hash).expect("in the table");
        measure(hash, &KeySet::of(keys).expect("a generator"))
    }

    fn ranges(quality: &Quality, count: usize) -> &Buckets {
        let found = quality.buckets.iter();
        let mut found = found.filter(|b| b.count == count && b.by == "ranges");
        found.next().expect("measured")
    }

    /// Spec section 4: on keys in sequence murmur is fine and fnv1_64 is not (χ² 3 and 3,900 at
    /// three peers).
    #[test]
    fn a_poor_hash_on_keys_in_sequence_is_seen() {
        let (good, poor) = (of("murmur", "key-%d@30000"), of("fnv1_64", "key-%d@30000"));
        assert!(ranges(&good, 3).evenness.p_value > 1e-4);
        assert!(ranges(&poor, 3).evenness.p_value < 1e-6);
        assert!((good.avalanche_mean - 0.5).abs() < 0.01);
        assert!(poor.avalanche_worst > 0.4, "{}", poor.avalanche_worst);
    }

    #[test]
    fn a_good_hash_is_at_its_floors() {
        let good = of("murmur3_x64_64", "uuid@20000");
        for buckets in &good.buckets {
            assert!(buckets.evenness.p_value > 1e-5, "{buckets:?}");
        }
        assert!(good.bias_worst < 2.0 * good.bias_floor);
        assert!(good.avalanche_worst < 1.6 * good.avalanche_floor);
        assert_eq!(good.collisions.found, 0);
    }

    #[test]
    fn collisions_are_the_birthday_ones() {
        // 15 bits: 30,000 keys draw 32,768 values; 32768 (1 - e^-0.9155) = 19,650 differ.
        let narrow = of("crc32", "uuid@30000").collisions;
        assert!((narrow.expected - 10_350.0).abs() < 15.0, "{narrow:?}");
        assert!((narrow.found as f64 / narrow.expected - 1.0).abs() < 0.05);
        assert!((birthday(1_000_000, 32.0) - 116.4).abs() < 0.1);
        assert!((birthday(1_000_000, 64.0) - 2.71e-8).abs() < 1e-10);
    }
}
