//! The laws of keys: which key a request is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::scramble::Scramble;
use crate::size::SizeLaw;
use crate::ycsb::YcsbZipf;
use crate::zipf::Zipf;

/// How keys are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyLaw {
    /// Each as likely as any other.
    Uniform,
    /// Key number k with probability ∝ (k + 1)^-exponent.
    Zipf {
        /// 0 is uniform; 0.99 is YCSB's.
        exponent: f64,
    },
    /// The same law, its ranks dealt to the keys by a seeded bijection.
    ScrambledZipf {
        /// As above.
        exponent: f64,
    },
    /// What YCSB draws: an approximation, and ranks that collide on keys.
    YcsbZipf,
    /// A share of the keys, the first ones, gets a share of the requests; uniform within both.
    Hotspot {
        /// Share of the keys that is hot.
        keys: f64,
        /// Share of the requests that goes there.
        requests: f64,
    },
    /// The k-th newest key of those whose insert was acknowledged, with k after Zipf's law.
    Latest {
        /// As above.
        exponent: f64,
    },
    /// One key after the other: connections take turns, so all together visit each once a round.
    Sequential,
}

impl KeyLaw {
    /// The exponent of the law, where it has one.
    pub fn exponent(self) -> Option<f64> {
        match self {
            Self::Zipf { exponent }
            | Self::ScrambledZipf { exponent }
            | Self::Latest { exponent } => Some(exponent),
            _ => None,
        }
    }

    /// The same law with another exponent, where it has one.
    #[must_use]
    pub fn with_exponent(self, exponent: f64) -> Self {
        match self {
            Self::Zipf { .. } => Self::Zipf { exponent },
            Self::ScrambledZipf { .. } => Self::ScrambledZipf { exponent },
            Self::Latest { .. } => Self::Latest { exponent },
            other => other,
        }
    }

    /// True if it can be drawn from.
    pub(crate) fn is_valid(self) -> bool {
        let share = |share: f64| share > 0.0 && share < 1.0;
        match self {
            Self::Hotspot { keys, requests } => share(keys) && share(requests),
            law => law.exponent().is_none_or(|s| (0.0..=20.0).contains(&s)),
        }
    }

    /// A sampler over `keys` keys. `latest` gives how many keys are newer; `sequential` nothing,
    /// as its keys follow from one another.
    pub fn sampler(self, keys: u64, seed: u64) -> KeySampler {
        match self {
            Self::Uniform => KeySampler::Uniform(keys),
            Self::Zipf { exponent } | Self::Latest { exponent } => {
                KeySampler::Zipf(Zipf::new(keys, exponent))
            }
            Self::ScrambledZipf { exponent } => {
                KeySampler::Scrambled(Zipf::new(keys, exponent), Scramble::new(keys, seed))
            }
            Self::YcsbZipf => KeySampler::Ycsb(YcsbZipf::new(keys)),
            Self::Hotspot {
                keys: share,
                requests,
            } => {
                let hot = ((keys as f64 * share) as u64).clamp(1, keys);
                KeySampler::Hotspot {
                    hot,
                    keys,
                    requests: if hot == keys { 1.0 } else { requests },
                }
            }
            Self::Sequential => KeySampler::Uniform(1),
        }
    }
}

/// Draws key numbers.
#[derive(Clone, Debug)]
pub enum KeySampler {
    /// Over this many keys.
    Uniform(u64),
    /// The rank is the key.
    Zipf(Zipf),
    /// The rank's place is the key.
    Scrambled(Zipf, Scramble),
    /// YCSB's.
    Ycsb(YcsbZipf),
    /// The first keys are hot.
    Hotspot {
        /// How many.
        hot: u64,
        /// Of how many.
        keys: u64,
        /// Share of the requests they get.
        requests: f64,
    },
}

impl KeySampler {
    /// One key number.
    #[inline]
    pub fn sample(&self, random: &mut Random) -> u64 {
        match self {
            Self::Uniform(keys) => random.below(*keys),
            Self::Zipf(law) => law.sample(random),
            Self::Scrambled(law, scramble) => scramble.place(law.sample(random)),
            Self::Ycsb(law) => law.sample(random),
            Self::Hotspot {
                hot,
                keys,
                requests,
            } => {
                if random.unit() < *requests {
                    random.below(*hot)
                } else {
                    hot + random.below(keys - hot)
                }
            }
        }
    }
}

impl fmt::Display for KeyLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf { exponent } => write!(f, "zipf:{exponent}"),
            Self::ScrambledZipf { exponent } => write!(f, "scrambled-zipf:{exponent}"),
            Self::YcsbZipf => f.write_str("ycsb-zipf"),
            Self::Hotspot { keys, requests } => write!(f, "hotspot:{keys}:{requests}"),
            Self::Latest { exponent } => write!(f, "latest:{exponent}"),
            Self::Sequential => f.write_str("sequential"),
        }
    }
}

/// Why a law's text is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct LawError {
    given: String,
    wanted: &'static str,
}

impl LawError {
    pub(crate) fn new(given: &str, wanted: &'static str) -> Self {
        Self {
            given: given.into(),
            wanted,
        }
    }
}

const WANTED: &str = "uniform, zipf[:EXPONENT], scrambled-zipf[:EXPONENT], ycsb-zipf, \
     hotspot[:KEYS:REQUESTS] (shares), latest[:EXPONENT] or sequential";
/// YCSB's constant.
const EXPONENT: f64 = 0.99;

impl FromStr for KeyLaw {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let error = || LawError::new(text, WANTED);
        let number = |text: &str| text.parse::<f64>().map_err(|_| error());
        let parts: Vec<&str> = text.split(':').collect();
        let law = match parts[..] {
            ["uniform"] => Self::Uniform,
            ["ycsb-zipf"] => Self::YcsbZipf,
            ["sequential"] => Self::Sequential,
            ["hotspot"] => Self::Hotspot {
                keys: 0.2,
                requests: 0.8,
            },
            ["hotspot", keys, requests] => Self::Hotspot {
                keys: number(keys)?,
                requests: number(requests)?,
            },
            [name] | [name, _] => {
                let exponent = parts.get(1).map_or(Ok(EXPONENT), |text| number(text))?;
                match name {
                    "zipf" => Self::Zipf { exponent },
                    "scrambled-zipf" => Self::ScrambledZipf { exponent },
                    "latest" => Self::Latest { exponent },
                    _ => return Err(error()),
                }
            }
            _ => return Err(error()),
        };
        if law.is_valid() {
            Ok(law)
        } else {
            Err(error())
        }
    }
}

/// Moves the whole law along the keys while the load runs: what was hot cools, others get hot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyShift {
    /// Keys it moves by.
    pub step: u64,
    /// Seconds between moves.
    pub seconds: f64,
}

impl fmt::Display for KeyShift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.step, self.seconds)
    }
}

impl FromStr for KeyShift {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let error = || LawError::new(text, "KEYS:SECONDS, as 1000:5");
        let (step, seconds) = text.split_once(':').ok_or_else(error)?;
        let shift = Self {
            step: step.parse().map_err(|_| error())?,
            seconds: seconds.parse().map_err(|_| error())?,
        };
        if shift.seconds > 0.0 && shift.seconds <= 1e6 {
            Ok(shift)
        } else {
            Err(error())
        }
    }
}

/// Which keys there are and how one is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyConfig {
    /// How many keys there are.
    pub count: u64,
    /// How keys are chosen.
    pub law: KeyLaw,
    /// What a key's name starts with; its number follows in twelve digits.
    pub prefix: String,
    /// Bytes of a name, filled up with `_` behind the digits; none: as long as prefix and digits.
    pub name_size: Option<SizeLaw>,
    /// Each connection has its own range of the keys, and the law holds within it.
    pub partitioned: bool,
    /// Moves the law along the keys.
    pub shift: Option<KeyShift>,
}

impl Default for KeyConfig {
    fn default() -> Self {
        Self {
            count: 100_000,
            law: KeyLaw::Uniform,
            prefix: "key:".into(),
            name_size: None,
            partitioned: false,
            shift: None,
        }
    }
}

impl KeyConfig {
    /// The range of one connection of several.
    pub(crate) fn range(&self, connection: u32, connections: u32) -> std::ops::Range<u64> {
        if !self.partitioned {
            return 0..self.count;
        }
        let edge = |number: u32| {
            let wide = u128::from(self.count) * u128::from(number) / u128::from(connections);
            // At most `count`.
            wide as u64
        };
        edge(connection)..edge(connection + 1)
    }
}

/// GETs to SETs, by weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Weight of GET.
    pub get: u32,
    /// Weight of SET.
    pub set: u32,
}

impl Mix {
    /// Both weights.
    pub fn total(self) -> u64 {
        u64::from(self.get) + u64::from(self.set)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.get, self.set)
    }
}

impl FromStr for Mix {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let error = || LawError::new(text, "GETs:SETs, as 9:1");
        let (get, set) = text.split_once(':').ok_or_else(error)?;
        Ok(Self {
            get: get.parse().map_err(|_| error())?,
            set: set.parse().map_err(|_| error())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::chi_square_z;

    const SAMPLES: u32 = 1_000_000;

    fn counts(law: KeyLaw, keys: u64, seed: u64) -> Vec<u64> {
        let sampler = law.sampler(keys, seed);
        let mut random = Random::new(seed, 9);
        let mut counts = vec![0; keys as usize];
        for _ in 0..SAMPLES {
            counts[sampler.sample(&mut random) as usize] += 1;
        }
        counts
    }

    #[test]
    fn laws_read_and_print_the_same() {
        let texts = [
            "uniform",
            "zipf:1.21",
            "scrambled-zipf:0.5",
            "ycsb-zipf",
            "hotspot:0.2:0.8",
            "latest:0.99",
            "sequential",
        ];
        for text in texts {
            assert_eq!(text.parse::<KeyLaw>().unwrap().to_string(), text);
        }
        assert_eq!(
            "zipf".parse::<KeyLaw>().unwrap(),
            KeyLaw::Zipf { exponent: 0.99 }
        );
        for text in [
            "",
            "zip",
            "zipf:x",
            "zipf:-1",
            "zipf:NaN",
            "hotspot:0:1",
            "zipf:1:2",
        ] {
            assert!(text.parse::<KeyLaw>().is_err(), "{text}");
        }
        assert_eq!("9:1".parse::<Mix>().unwrap(), Mix { get: 9, set: 1 });
        assert!("9".parse::<Mix>().is_err());
        assert_eq!(
            "1000:0.5".parse::<KeyShift>().unwrap().to_string(),
            "1000:0.5"
        );
        assert!("1000:0".parse::<KeyShift>().is_err());
    }

    #[test]
    fn scrambled_ranks_keep_the_law_exactly() {
        // Issue item 3: the exponents, at n = 1e6; ranks are put back through the bijection.
        for exponent in [0.5, 0.99, 1.0, 1.21, 2.1] {
            let counts = counts(KeyLaw::ScrambledZipf { exponent }, 5000, 3);
            let scramble = Scramble::new(5000, 3);
            let by_rank: Vec<u64> = (0..5000)
                .map(|rank| counts[scramble.place(rank) as usize])
                .collect();
            let weight = |rank: usize| (rank as f64 + 1.0).powf(-exponent);
            let total: f64 = (0..5000).map(weight).sum();
            let z = chi_square_z(&by_rank, |rank| weight(rank) / total);
            assert!(z < 3.5, "exponent {exponent}: {z}");
            assert!(
                chi_square_z(&counts, |rank| weight(rank) / total) > 4.0,
                "not scrambled"
            );
        }
    }

    #[test]
    fn uniform_and_hotspot_have_their_shares() {
        let z = chi_square_z(&counts(KeyLaw::Uniform, 1000, 5), |_| 1e-3);
        assert!(z < 3.5, "uniform: {z}");
        let hot = KeyLaw::Hotspot {
            keys: 0.2,
            requests: 0.8,
        };
        let chance = |key: usize| if key < 200 { 0.8 / 200.0 } else { 0.2 / 800.0 };
        let z = chi_square_z(&counts(hot, 1000, 5), chance);
        assert!(z < 3.5, "hotspot: {z}");
        // All keys hot is uniform, not a panic.
        assert!(hot.sampler(1, 1).sample(&mut Random::new(1, 1)) == 0);
    }

    #[test]
    fn ranges_of_connections_meet_and_cover() {
        let keys = KeyConfig {
            count: 1003,
            partitioned: true,
            ..KeyConfig::default()
        };
        let ranges: Vec<_> = (0..7).map(|connection| keys.range(connection, 7)).collect();
        assert_eq!((ranges[0].start, ranges[6].end), (0, 1003));
        assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(
            ranges
                .iter()
                .all(|range| (143..=144).contains(&range.clone().count()))
        );
    }
}
