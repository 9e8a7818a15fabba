//! Cold caches: other memory is read until nothing of a table can be left in them.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use super::statistics::median;

/// Where Linux tells of the first core's caches.
const CACHES: &str = "/sys/devices/system/cpu/cpu0/cache";
/// Bytes of a line.
const LINE: usize = 64;
/// What is read when the machine does not tell its caches, and the most.
const BYTES_DEFAULT: usize = 64 << 20;
const BYTES_MAX: usize = 256 << 20;

/// Twice the largest cache.
pub(crate) fn evicted_bytes() -> usize {
    let size = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("size")).ok()?;
        let kilobytes: usize = text.trim().strip_suffix('K')?.parse().ok()?;
        Some(kilobytes << 10)
    };
    let entries = fs::read_dir(CACHES).into_iter().flatten().flatten();
    let largest = entries.filter_map(size).max();
    largest.map_or(BYTES_DEFAULT, |bytes| (2 * bytes).min(BYTES_MAX))
}

/// Memory to read.
pub(crate) struct Evictor {
    memory: Vec<u8>,
}

impl Evictor {
    pub(crate) fn new(bytes: usize) -> Self {
        // Written, so that every page is one of its own.
        let memory = (0..bytes).map(|at| (at >> 6) as u8).collect();
        Self { memory }
    }

    fn evict(&self) {
        let sum: u64 = self
            .memory
            .iter()
            .step_by(LINE)
            .map(|byte| u64::from(*byte))
            .sum();
        black_box(sum);
    }
}

/// Times each of `lookups` once after every eviction, so many times; the clock's own time, taken
/// in the same state, is subtracted. Nanoseconds by lookup and round.
pub(crate) fn race(
    evictor: &Evictor,
    lookups: &mut [Box<dyn FnMut() -> usize + '_>],
    rounds: usize,
) -> Vec<Vec<f64>> {
    let mut samples = vec![Vec::with_capacity(rounds); lookups.len()];
    let mut clock = Vec::with_capacity(rounds);
    for round in 0..rounds {
        evictor.evict();
        clock.push(timed(&mut || 0));
        let count = lookups.len();
        for at in 0..count {
            // Another one is first each time: the first one meets the coldest code.
            let at = (at + round) % count;
            samples[at].push(timed(&mut lookups[at]));
        }
    }
    let clock = median(&mut clock);
    for sample in samples.iter_mut().flatten() {
        *sample = (*sample - clock).max(0.0);
    }
    samples
}

fn timed(lookup: &mut dyn FnMut() -> usize) -> f64 {
    let start = Instant::now();
    black_box(lookup());
    start.elapsed().as_nanos() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_evicted_is_slower() {
        let table: Vec<u64> = (0..1_u64 << 20).collect();
        let mut at = 1_usize;
        let mut step = || {
            // Sixteen lines far apart, each known only when the one before is read.
            for _ in 0..16 {
                at = (at * 25_214_903 + 11 + table[at] as usize) % table.len();
            }
            at
        };
        let warm: Vec<f64> = (0..1000).map(|_| timed(&mut step)).collect();
        let mut cold: Vec<Box<dyn FnMut() -> usize + '_>> = vec![Box::new(&mut step)];
        let evictor = Evictor::new(evicted_bytes());
        let mut samples = race(&evictor, &mut cold, 9);
        assert!(median(&mut samples[0]) > median(&mut warm.clone()) / 2.0);
        assert_eq!(samples[0].len(), 9);
    }
}
