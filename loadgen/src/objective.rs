//! What a load is asked to hold: a percentile of the response and its limit, as `p99=1ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// This share of requests is answered within the limit, or the objective is missed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Above 0, below 100.
    pub percentile: f64,
    /// Longest response allowed at that percentile.
    pub limit_ns: u64,
}

impl Objective {
    /// The share of requests that may take longer.
    pub fn beyond_max(&self) -> f64 {
        1.0 - self.percentile / 100.0
    }

    /// True if so many of so many requests may have taken longer.
    pub fn holds(&self, count: u64, beyond: u64) -> bool {
        beyond as f64 <= self.beyond_max() * count as f64
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p{}={:?}",
            self.percentile,
            Duration::from_nanos(self.limit_ns)
        )
    }
}

/// Why the text of an objective or of a span of time is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{given}` is not {wanted}")]
pub struct ObjectiveError {
    given: String,
    wanted: &'static str,
}

impl FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        let error = || ObjectiveError {
            given: text.into(),
            wanted: "a percentile below 100 and its limit, as p99=1ms",
        };
        let (percentile, limit) = text
            .strip_prefix('p')
            .and_then(|rest| rest.split_once('='))
            .ok_or_else(error)?;
        let percentile: f64 = percentile.parse().map_err(|_| error())?;
        let limit_ns = span_ns(limit)?;
        if percentile > 0.0 && percentile < 100.0 && limit_ns > 0 {
            Ok(Self {
                percentile,
                limit_ns,
            })
        } else {
            Err(error())
        }
    }
}

/// Nanoseconds of a text such as `500us`, `1.5ms` or `10s`.
pub fn span_ns(text: &str) -> Result<u64, ObjectiveError> {
    let error = || ObjectiveError {
        given: text.into(),
        wanted: "a time with its unit, as 500us, 1.5ms or 10s",
    };
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or_else(error)?;
    let (number, unit) = text.split_at(unit_at);
    let number: f64 = number.parse().map_err(|_| error())?;
    let unit_ns = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        _ => return Err(error()),
    };
    Ok((number * unit_ns).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_read_and_print_the_same() {
        for text in ["p99=1ms", "p99.9=250µs", "p50=1.5s"] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), text);
        }
        for text in ["", "99=1ms", "p99", "p100=1ms", "p0=1ms", "p99=1", "p99=0s"] {
            assert!(text.parse::<Objective>().is_err(), "{text}");
        }
        assert_eq!(span_ns("1.5ms"), Ok(1_500_000));
        assert_eq!(span_ns("2m"), Ok(120_000_000_000));
        assert!(span_ns("ms").is_err());
    }

    #[test]
    fn one_in_a_hundred_may_take_longer() {
        let objective: Objective = "p99=1ms".parse().unwrap();
        assert!(objective.holds(1000, 10));
        assert!(!objective.holds(1000, 11));
        assert!(objective.holds(0, 0));
    }
}
