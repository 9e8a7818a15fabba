//! How much lies between two values of a hash: of its values, or of given keys.

/// What is to be divided evenly.
#[derive(Debug)]
pub(crate) enum Measure {
    /// All values below this, at most 2^32.
    Values(u64),
    /// The keys' hashes, sorted; never empty.
    Keys(Vec<u32>),
}

impl Measure {
    /// The hashes of keys.
    pub(crate) fn of_keys(mut hashes: Vec<u32>) -> Option<Self> {
        hashes.sort_unstable();
        (!hashes.is_empty()).then_some(Self::Keys(hashes))
    }

    /// The part up to and with `value`.
    fn up_to(&self, value: u32) -> f64 {
        match self {
            Self::Values(count) => (u64::from(value) + 1).min(*count) as f64 / *count as f64,
            Self::Keys(hashes) => {
                hashes.partition_point(|hash| *hash <= value) as f64 / hashes.len() as f64
            }
        }
    }

    /// The part past `after` up to `end`, around the end of the ring where `end` is not above it.
    pub(crate) fn share(&self, after: u32, end: u32) -> f64 {
        let part = self.up_to(end) - self.up_to(after);
        if end > after {
            part
        } else {
            part + f64::from(u8::from(end < after))
        }
    }

    /// The value up to which such a part lies, 0 to 1.
    pub(crate) fn value_at(&self, part: f64) -> u32 {
        match self {
            Self::Values(count) => {
                let end = (part * *count as f64).round() as u64;
                u32::try_from(end.clamp(1, *count) - 1).unwrap_or(u32::MAX)
            }
            Self::Keys(hashes) => {
                let rank = (part * hashes.len() as f64).round() as usize;
                if rank >= hashes.len() {
                    return u32::MAX;
                }
                hashes[rank.max(1) - 1]
            }
        }
    }

    /// The value between `after` and `end` up to which `share` lies past `after`.
    pub(crate) fn cut(&self, after: u32, end: u32, share: f64) -> u32 {
        let part = self.up_to(after) + share;
        let value = self.value_at(if part > 1.0 { part - 1.0 } else { part });
        if value == end {
            value.wrapping_sub(1)
        } else {
            value
        }
    }
}
