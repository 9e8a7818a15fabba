//! The HdrHistogram interval log, version 1.3: one line a window and command, each with the whole
//! histogram, for the tools that read such logs.
//!
//! Values are nanoseconds; as the format's tools expect, the maximum on a line is divided by 1e6.
//! Only what was measured is in it, the drain included: tools add all lines up.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use crate::live::{Interval, Observer};

/// What a maximum is divided by.
const MAX_DIVISOR: f64 = 1e6;

/// Writes a log while a run goes on.
pub struct HistogramLog<W> {
    out: W,
    serializer: V2DeflateSerializer,
    bytes: Vec<u8>,
    begun: bool,
    failure: Option<io::Error>,
}

impl<W: Write> HistogramLog<W> {
    /// A log that is written to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            serializer: V2DeflateSerializer::new(),
            bytes: Vec::new(),
            begun: false,
            failure: None,
        }
    }

    /// Ends the log; fails if some line could not be written.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&mut self, start_unix_ms: u64) -> io::Result<()> {
        let start = Duration::from_millis(start_unix_ms);
        writeln!(
            self.out,
            "#[Logged with ringload {}, response in ns]\n\
             #[Histogram log format version 1.3]\n\
             #[StartTime: {:.3} (seconds since epoch), {}]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"",
            env!("CARGO_PKG_VERSION"),
            start.as_secs_f64(),
            date(start_unix_ms / 1000),
        )
    }

    fn line(
        &mut self,
        tag: &str,
        (start_s, seconds): (f64, f64),
        histogram: &Histogram<u64>,
    ) -> io::Result<()> {
        self.bytes.clear();
        self.serializer
            .serialize(histogram, &mut self.bytes)
            .map_err(|error| io::Error::other(error.to_string()))?;
        writeln!(
            self.out,
            "Tag={tag},{start_s:.3},{seconds:.3},{:.3},{}",
            histogram.max() as f64 / MAX_DIVISOR,
            STANDARD.encode(&self.bytes)
        )
    }

    fn write(&mut self, interval: &Interval<'_>) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.header(interval.load_start_unix_ms)?;
        }
        if interval.phase == "settle" {
            return Ok(());
        }
        let span = (interval.start_s, interval.seconds);
        for (name, histogram) in interval.commands {
            self.line(name, span, histogram)?;
        }
        Ok(())
    }
}

impl<W: Write> Observer for HistogramLog<W> {
    fn interval(&mut self, interval: &Interval<'_>) {
        if self.failure.is_none() {
            self.failure = self.write(interval).err();
        }
    }
}

/// A moment as `2026-11-20 22:00:00 UTC` (H. Hinnant, "chrono-compatible low-level date algorithms").
fn date(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // Years start in March, so that leap days end them; eras have 400 years, 146,097 days.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!(
        "{:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
        400 * era + year + carry,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests;
