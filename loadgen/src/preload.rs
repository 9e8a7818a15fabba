//! Writes every key before the load, reads keys back and compares them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::check::checker::Checker;
use crate::check::stamp::Reading;
use crate::clock;
use crate::config::RunConfig;
use crate::decode::Kind;
use crate::dial::{Client, DialError};
use crate::encode::Encoder;
use crate::law::LawError;

/// Why the keys could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PreloadError {
    /// The connection broke, or the server refused a write.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A write was answered by something else than that it is stored.
    #[error("the write of key {0} was not answered by OK")]
    NotStored(u64),
    /// A key read back had another value.
    #[error("key {0} does not have the value that was just written")]
    Differs(u64),
}

/// Which keys are read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreloadCheck {
    /// A thousand, evenly spread.
    #[default]
    Sample,
    /// All.
    All,
}

impl fmt::Display for PreloadCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sample => "sample",
            Self::All => "all",
        })
    }
}

impl FromStr for PreloadCheck {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        match text {
            "sample" => Ok(Self::Sample),
            "all" => Ok(Self::All),
            _ => Err(LawError::new(text, "sample or all")),
        }
    }
}

/// What the preload did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreloadReport {
    /// Keys written, each acknowledged.
    pub written: u64,
    /// Bytes of their values.
    pub value_bytes: u64,
    /// Keys read back with the value that was written.
    pub reread: u64,
    /// Keys read back and not there any more: they lived out, or were evicted.
    pub missing: u64,
    /// Both together.
    pub seconds: f64,
}

impl fmt::Display for PreloadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "preload: {} keys written, {} reread with the value written, {} missing, {:.1} s",
            self.written, self.reread, self.missing, self.seconds
        )
    }
}

const BATCH_REQUESTS: u64 = 256;
const BATCH_BYTES: usize = 256 << 10;
const SAMPLE: u64 = 1000;

/// Writes all keys over one connection, then reads back what is asked for.
pub(crate) fn preload(
    client: &mut Client,
    encoder: &Encoder,
    config: &RunConfig,
    checker: Option<&Checker>,
) -> Result<PreloadReport, PreloadError> {
    let begun = clock::now();
    let keys = config.keys.count;
    let mut report = PreloadReport {
        written: 0,
        value_bytes: 0,
        reread: 0,
        missing: 0,
        seconds: 0.0,
    };
    let mut out = Vec::new();
    while report.written < keys {
        let batch = batch(report.written..keys, 1, &mut out, |key, out| {
            let stamped = checker.map(|checker| (&checker.stamps, checker.stamp(key, 1)));
            encoder.preload_write(key, stamped, out);
        });
        client.send(&out)?;
        for key in batch {
            if client.reply(&mut |_, _| ())? != Kind::Simple {
                return Err(PreloadError::NotStored(key));
            }
            report.written += 1;
            report.value_bytes += encoder.values().size(key) as u64;
        }
    }
    let step = match config.preload_check {
        PreloadCheck::Sample => (keys / SAMPLE).max(1),
        PreloadCheck::All => 1,
    };
    let mut next = 0;
    while next < keys {
        let batch = batch(next..keys, step, &mut out, |key, out| {
            encoder.preload_read(key, out);
        });
        client.send(&out)?;
        next = batch.end;
        for key in batch.step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            match reread(client, (encoder, checker), key)? {
                None => report.missing += 1,
                Some(true) => report.reread += 1,
                Some(false) => return Err(PreloadError::Differs(key)),
            }
        }
    }
    report.seconds = (clock::now() - begun) as f64 / 1e9;
    Ok(report)
}

/// Puts requests for as many of the keys as a batch takes into `out`; returns the range done.
fn batch(
    keys: Range<u64>,
    step: u64,
    out: &mut Vec<u8>,
    request: impl Fn(u64, &mut Vec<u8>),
) -> Range<u64> {
    out.clear();
    let mut next = keys.start;
    let mut count = 0;
    while next < keys.end && count < BATCH_REQUESTS && out.len() < BATCH_BYTES {
        request(next, out);
        next = next.saturating_add(step);
        count += 1;
    }
    keys.start..next
}

/// Whether a key has the value that was written; none if it has none.
fn reread(
    client: &mut Client,
    (encoder, checker): (&Encoder, Option<&Checker>),
    key: u64,
) -> Result<Option<bool>, PreloadError> {
    let values = encoder.values();
    let (mut reading, mut right) = (Reading::default(), true);
    let kind = client.reply(&mut |offset, piece| match checker {
        Some(checker) => reading.feed(&checker.stamps, piece),
        None => right &= values.matches(key, offset, piece),
    })?;
    Ok(match (kind, checker) {
        (Kind::Nil, _) => None,
        (_, Some(checker)) => Some(reading.finish() == Some(checker.stamp(key, 1))),
        (kind, None) => Some(right && kind == Kind::Bulk(values.size(key))),
    })
}
