//! Writes every key before the load, reads keys back and compares them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::check::checker::Checker;
use crate::check::stamp::Reading;
use crate::clock;
use crate::cluster::{Map, slot_of};
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

const BATCH_REQUESTS: usize = 256;
const BATCH_BYTES: usize = 256 << 10;
const SAMPLE: u64 = 1000;

/// What a preload writes, and to whom.
pub(crate) struct Preload<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) encoder: &'a Encoder,
    pub(crate) checker: Option<&'a Checker>,
    /// Only the keys of this node.
    pub(crate) node: Option<(&'a Map, u16)>,
}

impl PreloadReport {
    /// Adds another node's.
    pub(crate) fn add(self, other: Self) -> Self {
        Self {
            written: self.written + other.written,
            value_bytes: self.value_bytes + other.value_bytes,
            reread: self.reread + other.reread,
            missing: self.missing + other.missing,
            seconds: self.seconds + other.seconds,
        }
    }
}

/// Writes all keys over one connection, then reads back what is asked for.
pub(crate) fn preload(
    client: &mut Client,
    preload: &Preload<'_>,
) -> Result<PreloadReport, PreloadError> {
    let Preload {
        config,
        encoder,
        checker,
        ..
    } = *preload;
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
    let mut next = 0;
    while next < keys {
        let batch;
        (batch, next) = preload.batch(next..keys, 1, &mut out, |key, out| {
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
    next = 0;
    while next < keys {
        let batch;
        (batch, next) = preload.batch(next..keys, step, &mut out, |key, out| {
            encoder.preload_read(key, out);
        });
        client.send(&out)?;
        for key in batch {
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

impl Preload<'_> {
    /// Puts requests for as many of the keys as a batch takes into `out`; returns these keys, and
    /// the one after them.
    fn batch(
        &self,
        keys: Range<u64>,
        step: u64,
        out: &mut Vec<u8>,
        request: impl Fn(u64, &mut Vec<u8>),
    ) -> (Vec<u64>, u64) {
        out.clear();
        let mut next = keys.start;
        let mut batch = Vec::new();
        while next < keys.end && batch.len() < BATCH_REQUESTS && out.len() < BATCH_BYTES {
            let before = out.len();
            request(next, out);
            let elsewhere = |(map, node): (&Map, u16)| map.owner(slot_of(&out[before..])) != node;
            if self.node.is_some_and(elsewhere) {
                out.truncate(before);
            } else {
                batch.push(next);
            }
            next = next.saturating_add(step);
        }
        (batch, next)
    }
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
