//! Keys that are known only when a request is sent: the latest, new ones, the next in a row, and
//! all keys while the law moves along them.

use std::sync::Arc;

use crate::encode::Encoder;
use crate::inserts::Inserts;
use crate::law::{KeyConfig, KeyLaw};
use crate::tape::{Entry, Tape, Walk};
use crate::template::Source;

/// Says which keys the tape means.
#[derive(Debug)]
pub(crate) struct Late {
    law: KeyLaw,
    pub(crate) inserts: Arc<Inserts>,
    shift: Option<Shift>,
    /// The request under way.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Shift {
    step: u64,
    period_ns: u64,
    next: u64,
    /// Keys moved by so far.
    moved: u64,
}

impl Late {
    /// For one worker, from `start` (monotonic ns).
    pub(crate) fn new(keys: &KeyConfig, inserts: Arc<Inserts>) -> Self {
        let shift = keys.shift.map(|shift| Shift {
            step: shift.step,
            // At least 1.
            period_ns: ((shift.seconds * 1e9) as u64).max(1),
            next: 0,
            moved: 0,
        });
        Self {
            law: keys.law,
            inserts,
            shift,
            entries: Vec::with_capacity(256),
        }
    }

    /// The load starts at this moment.
    pub(crate) fn begin(&mut self, start: u64) {
        if let Some(shift) = &mut self.shift {
            shift.next = start + shift.period_ns;
        }
    }

    /// The entries of a tape's next request, due at `at`, with the keys it has now.
    pub(crate) fn next(&mut self, tape: &mut Tape, encoder: &Encoder, at: u64) -> &[Entry] {
        if let Some(shift) = &mut self.shift {
            while at >= shift.next {
                shift.next += shift.period_ns;
                shift.moved = shift.moved.wrapping_add(shift.step);
            }
        }
        let mut walk = tape.walk;
        let drawn = tape.next();
        let (source, _) = encoder.kind(drawn[0].command);
        self.entries.clear();
        for (index, entry) in drawn.iter().enumerate() {
            let key = match source {
                Source::None => entry.key,
                Source::New => self.inserts.claim(),
                Source::Same => walk.last,
                Source::Run if index > 0 => {
                    let last = self.entries[index - 1].key;
                    walk.first + (last - walk.first + 1) % walk.keys
                }
                Source::Drawn | Source::Run => self.drawn(entry.key, &mut walk),
            };
            self.entries
                .push(encoder.entry(key, entry.command, entry.entries));
        }
        walk.last = self.entries[0].key;
        tape.walk = walk;
        &self.entries
    }

    /// The key that was drawn: what the tape says, or what it comes to now.
    fn drawn(&self, on_tape: u64, walk: &mut Walk) -> u64 {
        let key = match self.law {
            KeyLaw::Latest { .. } => {
                // At least one key is there from the start.
                let newest = self.inserts.acknowledged() - 1;
                return newest - on_tape.min(newest);
            }
            KeyLaw::Sequential => walk.next(),
            _ => on_tape,
        };
        self.shift.as_ref().map_or(key, |shift| {
            walk.first + (key - walk.first + shift.moved % walk.keys) % walk.keys
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::law::KeyShift;
    use crate::statistics::chi_square_z;
    use crate::tape::{Seat, is_late};

    struct Bench {
        encoder: Encoder,
        tapes: Vec<Tape>,
        late: Late,
    }

    fn bench(config: &RunConfig) -> Bench {
        let encoder = Encoder::new(config).unwrap();
        assert!(is_late(config, &encoder));
        let seat = |connection| Seat {
            connection,
            requests: 1_000_000,
        };
        let tapes = (0..config.connections)
            .map(|connection| Tape::draw(config, &encoder, seat(connection)))
            .collect();
        let inserts = Arc::new(Inserts::after(config.keys.count));
        Bench {
            tapes,
            late: Late::new(&config.keys, inserts),
            encoder,
        }
    }

    fn config(law: KeyLaw, count: u64) -> RunConfig {
        let mut config = RunConfig {
            connections: 1,
            ..RunConfig::default()
        };
        config.keys.law = law;
        config.keys.count = count;
        config
    }

    #[test]
    fn sequential_connections_visit_each_key_once_a_round() {
        let config = RunConfig {
            connections: 7,
            ..config(KeyLaw::Sequential, 70)
        };
        let mut bench = bench(&config);
        for round in 1..=3 {
            let mut visits = vec![0; 70];
            for _ in 0..10 {
                for tape in &mut bench.tapes {
                    visits[bench.late.next(tape, &bench.encoder, 0)[0].key as usize] += 1;
                }
            }
            assert!(
                visits.iter().all(|&count| count == 1),
                "round {round}: {visits:?}"
            );
        }
    }

    #[test]
    fn latest_reads_lie_behind_the_acknowledged_inserts() {
        let law = KeyLaw::Latest { exponent: 0.99 };
        let mut config = config(law, 1000);
        config.commands = ["GET __key__ @3", "SET __new__ __value__ @1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let mut bench = bench(&config);
        let mut ages = vec![0; 1000];
        let mut unsettled = Vec::new();
        for _ in 0..1_000_000 {
            let acknowledged = bench.late.inserts.acknowledged();
            let entry = bench.late.next(&mut bench.tapes[0], &bench.encoder, 0)[0];
            if entry.command == 0 {
                ages[(acknowledged - 1 - entry.key) as usize] += 1;
            } else {
                unsettled.push(entry.key);
                // Answers come in another order, ten at a time.
                if unsettled.len() == 10 {
                    unsettled
                        .drain(..)
                        .rev()
                        .for_each(|key| bench.late.inserts.settle(key));
                }
            }
        }
        assert!(bench.late.inserts.acknowledged() > 240_000);
        let weight = |age: usize| (age as f64 + 1.0).powf(-0.99);
        let total: f64 = (0..1000).map(weight).sum();
        let z = chi_square_z(&ages, |age| weight(age) / total);
        assert!(z < 3.5, "{z}");
    }

    #[test]
    fn a_shift_moves_the_law_and_keeps_it() {
        let mut config = config(KeyLaw::Zipf { exponent: 1.21 }, 1000);
        config.keys.shift = Some(KeyShift {
            step: 300,
            seconds: 2.0,
        });
        let mut bench = bench(&config);
        let start = 5_000_000_000;
        bench.late.begin(start);
        let weight = |key: usize| (key as f64 + 1.0).powf(-1.21);
        let total: f64 = (0..1000).map(weight).sum();
        for period in 0..4u64 {
            let mut counts = vec![0; 1000];
            for request in 0..250_000 {
                let at = start + period * 2_000_000_000 + request * 8000;
                let entry = bench.late.next(&mut bench.tapes[0], &bench.encoder, at)[0];
                counts[((entry.key + 2000 - 300 * period) % 1000) as usize] += 1;
            }
            let z = chi_square_z(&counts, |key| weight(key) / total);
            assert!(z < 3.5, "period {period}: {z}");
        }
    }
}
