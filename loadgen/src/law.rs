//! The laws a load is drawn from: which key, which command, how many bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::random::{Random, mix};
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
}

impl KeyLaw {
    /// The exponent of the law as a Zipf law.
    pub fn exponent(self) -> f64 {
        match self {
            Self::Uniform => 0.0,
            Self::Zipf { exponent } => exponent,
        }
    }

    /// A sampler over `keys` keys.
    pub fn sampler(self, keys: u64) -> KeySampler {
        match self {
            Self::Uniform => KeySampler::Uniform(keys),
            Self::Zipf { exponent } => KeySampler::Zipf(Zipf::new(keys, exponent)),
        }
    }
}

/// Draws key numbers.
#[derive(Clone, Debug)]
pub enum KeySampler {
    /// Over this many keys.
    Uniform(u64),
    /// Over the ranks of the law.
    Zipf(Zipf),
}

impl KeySampler {
    /// One key number.
    pub fn sample(&self, random: &mut Random) -> u64 {
        match self {
            Self::Uniform(keys) => random.below(*keys),
            Self::Zipf(law) => law.sample(random),
        }
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

/// Why a law's text is refused.
#[derive(Debug, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct LawError {
    given: String,
    wanted: &'static str,
}

impl FromStr for Mix {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let error = || LawError {
            given: text.into(),
            wanted: "GETs:SETs, as 9:1",
        };
        let (get, set) = text.split_once(':').ok_or_else(error)?;
        Ok(Self {
            get: get.parse().map_err(|_| error())?,
            set: set.parse().map_err(|_| error())?,
        })
    }
}

/// Bytes of a value, as a function of its key: a reread agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeLaw {
    /// Each value as long as any other.
    Fixed(u64),
    /// From the first to the second, both included.
    Uniform(u64, u64),
}

/// Redis's own limit of a value.
const SIZE_MAX: u64 = 512 << 20;

impl SizeLaw {
    /// The size of a key's value.
    pub fn size(self, key: u64) -> usize {
        let size = match self {
            Self::Fixed(size) => size,
            Self::Uniform(low, high) => {
                let spread = u128::from(high - low) + 1;
                low + ((u128::from(mix(key ^ 0x512e)) * spread) >> 64) as u64
            }
        };
        // At most SIZE_MAX.
        size as usize
    }

    /// True if every size it gives can be sent.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Fixed(size) => size <= SIZE_MAX,
            Self::Uniform(low, high) => low <= high && high <= SIZE_MAX,
        }
    }

    /// The mean size.
    pub fn mean(self) -> f64 {
        match self {
            Self::Fixed(size) => size as f64,
            Self::Uniform(low, high) => (low + high) as f64 / 2.0,
        }
    }
}

impl fmt::Display for SizeLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Uniform(low, high) => write!(f, "uniform:{low}:{high}"),
        }
    }
}

impl FromStr for SizeLaw {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let error = || LawError {
            given: text.into(),
            wanted: "BYTES or uniform:LOW:HIGH",
        };
        let number = |text: &str| text.parse().map_err(|_| error());
        let mut parts = text.split(':');
        let law = match (parts.next(), parts.next(), parts.next()) {
            (Some(size), None, None) | (Some("fixed"), Some(size), None) => {
                Self::Fixed(number(size)?)
            }
            (Some("uniform"), Some(low), Some(high)) => Self::Uniform(number(low)?, number(high)?),
            _ => return Err(error()),
        };
        if parts.next().is_none() && law.is_valid() {
            Ok(law)
        } else {
            Err(error())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_read_and_print_the_same() {
        for text in ["64", "uniform:1:100"] {
            assert_eq!(text.parse::<SizeLaw>().unwrap().to_string(), text);
        }
        assert_eq!("fixed:64".parse::<SizeLaw>().unwrap(), SizeLaw::Fixed(64));
        for text in ["", "x", "uniform:5", "uniform:9:3", "1:2:3:4", "536870913"] {
            assert!(text.parse::<SizeLaw>().is_err(), "{text}");
        }
        assert_eq!("9:1".parse::<Mix>().unwrap(), Mix { get: 9, set: 1 });
        assert!("9".parse::<Mix>().is_err());
    }

    #[test]
    fn uniform_sizes_fill_their_span_and_no_more() {
        let law = SizeLaw::Uniform(10, 13);
        let mut counts = [0u32; 4];
        for key in 0..4000 {
            counts[law.size(key) - 10] += 1;
        }
        assert!(
            counts.iter().all(|&count| (850..1150).contains(&count)),
            "{counts:?}"
        );
    }
}
