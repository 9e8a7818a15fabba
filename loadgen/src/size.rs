//! Laws of sizes: how many bytes a value or a name has, as a function of its key.
//!
//! A size is drawn with the key's number as the only randomness, so a reread agrees with what was
//! written, by whatever run. Laws with a long tail are cut at 1 MiB, memcached's limit of an item.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::law::LawError;
use crate::random::mix;

/// Bytes of a value, as a function of its key: a reread agrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeLaw {
    /// Each as long as any other.
    Fixed(u64),
    /// From the first to the second, both included.
    Uniform(u64, u64),
    /// exp of a normal law.
    Lognormal {
        /// Half are smaller.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// These sizes with these weights.
    List(Vec<(u64, u32)>),
    /// Generalised Pareto, rounded down.
    Pareto {
        /// The smallest.
        location: f64,
        /// σ.
        scale: f64,
        /// k, not 0.
        shape: f64,
    },
    /// Generalised extreme value, rounded down.
    Gev {
        /// μ.
        location: f64,
        /// σ.
        scale: f64,
        /// k, not 0.
        shape: f64,
    },
    /// The values of Facebook's ETC pool: B. Atikoglu et al., "Workload analysis of a large-scale
    /// key-value store", SIGMETRICS 2012: a table up to 14 bytes, generalised Pareto beyond.
    Etc,
}

/// Redis's own limit of a value.
pub(crate) const SIZE_MAX: u64 = 512 << 20;
/// Where the laws with a long tail are cut.
const TAIL_MAX: f64 = (1 << 20) as f64;
const ENTRIES_MAX: usize = 1024;

/// The paper's table 5: probabilities of 0 to 14 bytes.
const ETC_SMALL: [f64; 15] = [
    0.00536, 0.00047, 0.17820, 0.09239, 0.00018, 0.02740, 0.00065, 0.00606, 0.00023, 0.00837,
    0.00837, 0.08989, 0.00092, 0.00326, 0.01980,
];
/// The paper's fit of larger values.
const ETC_SCALE: f64 = 214.476;
const ETC_SHAPE: f64 = 0.348_238;

/// What a size belongs to: two sizes of one key are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Value = 0x512e,
    Name = 0x6e61,
    Ttl = 0x7474,
}

impl SizeLaw {
    /// The size of a key's value.
    pub fn size(&self, key: u64) -> usize {
        self.size_of(key, Of::Value)
    }

    /// The size of what belongs to a key.
    #[inline]
    pub(crate) fn size_of(&self, key: u64, of: Of) -> usize {
        match self {
            // At most SIZE_MAX.
            Self::Fixed(size) => *size as usize,
            law => law.drawn_size(key, of),
        }
    }

    fn drawn_size(&self, key: u64, of: Of) -> usize {
        let word = mix(key ^ of as u64);
        let size = match self {
            Self::Fixed(size) => *size,
            Self::Uniform(low, high) => low + scaled(word, high - low + 1),
            Self::Lognormal { median, sigma } => cut(median * (sigma * normal(word)).exp()),
            Self::List(sizes) => listed(sizes, word),
            Self::Pareto {
                location,
                scale,
                shape,
            } => cut(location + pareto(unit(word), *scale, *shape)),
            Self::Gev {
                location,
                scale,
                shape,
            } => cut(location + scale * ((-unit(word).ln()).powf(-shape) - 1.0) / shape),
            Self::Etc => etc(unit(word)),
        };
        // At most SIZE_MAX.
        size as usize
    }

    /// True if every size it gives can be sent.
    pub fn is_valid(&self) -> bool {
        let shaped =
            |scale: f64, shape: f64| scale > 0.0 && shape != 0.0 && (-2.0..2.0).contains(&shape);
        match self {
            Self::Fixed(size) => *size <= SIZE_MAX,
            Self::Uniform(low, high) => low <= high && *high <= SIZE_MAX,
            Self::Lognormal { median, sigma } => {
                *median > 0.0 && *median <= TAIL_MAX && (0.0..=10.0).contains(sigma)
            }
            Self::List(sizes) => {
                (1..=ENTRIES_MAX).contains(&sizes.len())
                    && sizes.iter().all(|&(size, _)| size <= SIZE_MAX)
                    && sizes.iter().any(|&(_, weight)| weight > 0)
            }
            Self::Pareto {
                location,
                scale,
                shape,
            }
            | Self::Gev {
                location,
                scale,
                shape,
            } => (0.0..=TAIL_MAX).contains(location) && shaped(*scale, *shape),
            Self::Etc => true,
        }
    }

    /// The one size it gives, if it is one.
    pub(crate) fn fixed(&self) -> Option<u64> {
        match self {
            Self::Fixed(size) => Some(*size),
            _ => None,
        }
    }
}

/// A word as one of `bound` numbers.
fn scaled(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

/// A word as a number in the open interval (0, 1).
fn unit(word: u64) -> f64 {
    ((word >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A word as a standard normal number (Box and Muller).
fn normal(word: u64) -> f64 {
    let angle = unit(mix(word)) * std::f64::consts::TAU;
    (-2.0 * unit(word).ln()).sqrt() * angle.cos()
}

fn pareto(u: f64, scale: f64, shape: f64) -> f64 {
    scale * (u.powf(-shape) - 1.0) / shape
}

fn cut(size: f64) -> u64 {
    // Not negative, below 2^53.
    size.clamp(0.0, TAIL_MAX) as u64
}

fn listed(sizes: &[(u64, u32)], word: u64) -> u64 {
    let total: u64 = sizes.iter().map(|&(_, weight)| u64::from(weight)).sum();
    let mut left = scaled(word, total);
    for &(size, weight) in sizes {
        if left < u64::from(weight) {
            return size;
        }
        left -= u64::from(weight);
    }
    0
}

/// The quantile of the ETC law: the table first, then the Pareto law given that it is over 14.
fn etc(u: f64) -> u64 {
    let mut rest = u;
    for (size, probability) in ETC_SMALL.iter().enumerate() {
        if rest < *probability {
            return size as u64;
        }
        rest -= probability;
    }
    let beyond = 1.0 - ETC_SMALL.iter().sum::<f64>();
    // P(X > 15) of the fitted law, for the tail of it alone.
    let tail = (1.0 + ETC_SHAPE * 15.0 / ETC_SCALE).powf(-1.0 / ETC_SHAPE);
    cut(pareto(
        (1.0 - rest / beyond).max(f64::EPSILON) * tail,
        ETC_SCALE,
        ETC_SHAPE,
    ))
    .max(15)
}

impl fmt::Display for SizeLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Uniform(low, high) => write!(f, "uniform:{low}:{high}"),
            Self::Lognormal { median, sigma } => write!(f, "lognormal:{median}:{sigma}"),
            Self::List(sizes) => {
                f.write_str("list:")?;
                for (index, (size, weight)) in sizes.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{size}@{weight}")?;
                }
                Ok(())
            }
            Self::Pareto {
                location,
                scale,
                shape,
            } => write!(f, "pareto:{location}:{scale}:{shape}"),
            Self::Gev {
                location,
                scale,
                shape,
            } => write!(f, "gev:{location}:{scale}:{shape}"),
            Self::Etc => f.write_str("etc"),
        }
    }
}

const WANTED: &str = "BYTES, uniform:LOW:HIGH, lognormal:MEDIAN:SIGMA, list:BYTES@WEIGHT,..., \
     pareto:LOCATION:SCALE:SHAPE, gev:LOCATION:SCALE:SHAPE or etc";

impl FromStr for SizeLaw {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let parts: Vec<&str> = text.split(':').collect();
        let law = match parts[..] {
            ["etc"] => Some(Self::Etc),
            [size] | ["fixed", size] => size.parse().ok().map(Self::Fixed),
            ["uniform", low, high] => pair(low, high).map(|(low, high)| Self::Uniform(low, high)),
            ["lognormal", median, sigma] => {
                pair(median, sigma).map(|(median, sigma)| Self::Lognormal { median, sigma })
            }
            ["list", sizes] => list(sizes).map(Self::List),
            [name @ ("pareto" | "gev"), location, scale, shape] => {
                shaped(name, location, (scale, shape))
            }
            _ => None,
        };
        law.filter(Self::is_valid)
            .ok_or_else(|| LawError::new(text, WANTED))
    }
}

fn pair<T: FromStr>(first: &str, second: &str) -> Option<(T, T)> {
    Some((first.parse().ok()?, second.parse().ok()?))
}

fn shaped(name: &str, location: &str, (scale, shape): (&str, &str)) -> Option<SizeLaw> {
    let location = location.parse().ok()?;
    let (scale, shape) = pair(scale, shape)?;
    Some(if name == "gev" {
        SizeLaw::Gev {
            location,
            scale,
            shape,
        }
    } else {
        SizeLaw::Pareto {
            location,
            scale,
            shape,
        }
    })
}

fn list(text: &str) -> Option<Vec<(u64, u32)>> {
    let one = |entry: &str| {
        let (size, weight) = entry.split_once('@')?;
        Some((size.parse().ok()?, weight.parse().ok()?))
    };
    text.split(',').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::chi_square_z;

    const KEYS: u64 = 1_000_000;

    /// How far the sizes of a million keys are from a law, by the chances of the cells between
    /// these edges.
    fn distance(law: &str, edges: &[f64], below: impl Fn(f64) -> f64) -> f64 {
        let law: SizeLaw = law.parse().unwrap();
        let mut counts = vec![0; edges.len() + 1];
        for key in 0..KEYS {
            let size = law.size(key) as f64;
            counts[edges.partition_point(|&edge| edge <= size)] += 1;
        }
        let chance = |cell: usize| {
            let upper = edges.get(cell).map_or(1.0, |&edge| below(edge));
            upper
                - if cell > 0 {
                    below(edges[cell - 1])
                } else {
                    0.0
                }
        };
        chi_square_z(&counts, chance)
    }

    fn edges(last: u32) -> Vec<f64> {
        (1..=last).map(|edge| f64::from(edge * edge)).collect()
    }

    #[test]
    fn laws_read_and_print_the_same() {
        let texts = [
            "64",
            "uniform:1:100",
            "lognormal:300:1.5",
            "list:64@9,1024@1",
            "pareto:15:214.476:0.348238",
            "gev:30.7984:8.20449:0.078688",
            "etc",
        ];
        for text in texts {
            assert_eq!(text.parse::<SizeLaw>().unwrap().to_string(), text);
        }
        assert_eq!("fixed:64".parse::<SizeLaw>().unwrap(), SizeLaw::Fixed(64));
        let refused = [
            "",
            "x",
            "uniform:5",
            "uniform:9:3",
            "1:2:3:4",
            "536870913",
            "list:",
            "list:5@0",
            "lognormal:0:1",
            "lognormal:NaN:1",
            "pareto:0:1:0",
            "gev:1:0:1",
            "etc:1",
        ];
        for text in refused {
            assert!(text.parse::<SizeLaw>().is_err(), "{text}");
        }
    }

    #[test]
    fn uniform_and_listed_sizes_have_their_shares() {
        let z = distance("uniform:10:13", &[11.0, 12.0, 13.0], |edge| {
            (edge - 10.0) / 4.0
        });
        assert!(z < 3.5, "{z}");
        let list = |edge: f64| {
            if edge <= 64.0 {
                0.0
            } else if edge <= 1024.0 {
                0.9
            } else {
                1.0
            }
        };
        let z = distance("list:64@9,1024@1", &[1024.0], list);
        assert!(z < 3.5, "{z}");
        let law: SizeLaw = "list:64@9,1024@1".parse().unwrap();
        assert!((0..1000).all(|key| [64, 1024].contains(&law.size(key))));
    }

    #[test]
    fn long_tailed_sizes_follow_their_laws() {
        let pareto = |x: f64| 1.0 - (1.0 + 0.35 * x.max(0.0) / 200.0).powf(-1.0 / 0.35);
        let z = distance("pareto:0:200:0.35", &edges(100), pareto);
        assert!(z < 3.5, "pareto: {z}");
        // Another shape is told apart.
        assert!(distance("pareto:0:200:0.36", &edges(100), pareto) > 4.0);
        let gev = |x: f64| {
            (-(1.0 + 0.078688 * (x - 30.7984) / 8.20449)
                .max(0.0)
                .powf(-1.0 / 0.078688))
            .exp()
        };
        let cells: Vec<f64> = (15..90).map(f64::from).collect();
        let z = distance("gev:30.7984:8.20449:0.078688", &cells, gev);
        assert!(z < 3.5, "gev: {z}");
        // Quartiles and a tail of the lognormal law: Φ(±0.6745) and Φ(2) of the tables.
        let law: SizeLaw = "lognormal:1000:1".parse().unwrap();
        let share = |z: f64| {
            let edge = 1000.0 * z.exp();
            (0..KEYS)
                .filter(|&key| (law.size(key) as f64) < edge)
                .count() as f64
                / KEYS as f64
        };
        for (z, phi) in [(-0.6745, 0.25), (0.0, 0.5), (0.6745, 0.75), (2.0, 0.977_25)] {
            assert!((share(z) - phi).abs() < 0.002, "{z}: {}", share(z));
        }
    }

    #[test]
    fn etc_values_follow_the_papers_table_and_fit() {
        // Atikoglu et al. 2012, table 5 and section 5: the table to 14 bytes, Pareto beyond.
        let small: f64 = ETC_SMALL.iter().sum();
        let fit = |x: f64| (1.0 + ETC_SHAPE * x / ETC_SCALE).powf(-1.0 / ETC_SHAPE);
        let below = |edge: f64| {
            if edge <= 15.0 {
                ETC_SMALL[..edge as usize].iter().sum()
            } else {
                small + (1.0 - small) * (1.0 - fit(edge) / fit(15.0))
            }
        };
        let cells: Vec<f64> = (1..=15)
            .map(f64::from)
            .chain(edges(100).into_iter().skip(3))
            .collect();
        let z = distance("etc", &cells, below);
        assert!(z < 3.5, "{z}");
    }
}
