//! The requests of each connection, drawn before the clock starts and replayed in a ring.
//!
//! Every connection has a stream of its own of the master seed: what it asks for depends on
//! nothing but its number, however fast the others are.

use crate::config::RunConfig;
use crate::encode::Encoder;
use crate::law::KeyLaw;
use crate::random::Random;
use crate::template::Source;

/// Entries on all tapes of a worker together at most, and on one at least.
const ENTRIES_MAX: u64 = 1 << 22;
const ENTRIES_MIN: u64 = 1 << 10;

/// Streams of the master seed: connections have the numbers below, workers' schedules those from
/// here on.
pub(crate) const SCHEDULES: u64 = 1 << 32;

/// A key of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: u64,
    /// Bytes of its value.
    pub(crate) size: u32,
    /// Bytes its name is filled up with.
    pub(crate) fill: u16,
    pub(crate) command: u8,
    /// Entries of the request, this first one included.
    pub(crate) entries: u8,
}

/// What a connection sends, in order.
#[derive(Debug)]
pub(crate) struct Tape {
    entries: Vec<Entry>,
    at: usize,
    /// Times the tape was begun.
    pub(crate) rounds: u64,
    pub(crate) walk: Walk,
}

/// Where a connection is among its keys, for those that follow from no tape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) at: u64,
    pub(crate) step: u64,
    /// First key of the connection's range, and how many there are.
    pub(crate) first: u64,
    pub(crate) keys: u64,
    /// First key of the request before.
    pub(crate) last: u64,
}

/// Which connection a tape is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    /// Its number among all.
    pub(crate) connection: u32,
    /// Requests it is expected to send.
    pub(crate) requests: u64,
}

impl Tape {
    /// The tape of one connection.
    pub(crate) fn draw(config: &RunConfig, encoder: &Encoder, seat: Seat) -> Self {
        let range = config.keys.range(seat.connection, config.connections);
        let keys = (range.end - range.start).max(1);
        let mut drawing = Drawing {
            encoder,
            random: Random::new(config.seed, u64::from(seat.connection)),
            sampler: config.keys.law.sampler(keys, config.seed),
            first: range.start,
            keys,
            entries: Vec::new(),
        };
        let share = ENTRIES_MAX * u64::from(config.workers) / u64::from(config.connections);
        // A share of a bounded number.
        let most = seat.requests.clamp(1, share.max(ENTRIES_MIN)) as usize;
        let total: u64 = encoder
            .commands()
            .choices
            .iter()
            .map(|(w, _)| u64::from(*w))
            .sum();
        drawing.entries.reserve(most);
        while drawing.entries.len() < most {
            drawing.request(total);
        }
        let spread = if config.keys.partitioned {
            1
        } else {
            u64::from(config.connections)
        };
        let begin = if config.keys.partitioned {
            0
        } else {
            u64::from(seat.connection)
        };
        Self {
            entries: drawing.entries,
            at: 0,
            rounds: 1,
            walk: Walk {
                at: begin % keys,
                step: spread % keys,
                first: range.start,
                keys,
                last: range.start,
            },
        }
    }

    /// The entries of the next request.
    pub(crate) fn next(&mut self) -> &[Entry] {
        if self.at == self.entries.len() {
            self.at = 0;
            self.rounds += 1;
        }
        let first = self.at;
        self.at += usize::from(self.entries[first].entries);
        &self.entries[first..self.at]
    }
}

impl Walk {
    /// The next key of a sequential connection.
    pub(crate) fn next(&mut self) -> u64 {
        let key = self.at;
        self.at += self.step;
        if self.at >= self.keys {
            self.at -= self.keys;
        }
        self.first + key
    }
}

struct Drawing<'a> {
    encoder: &'a Encoder,
    random: Random,
    sampler: crate::law::KeySampler,
    first: u64,
    keys: u64,
    entries: Vec<Entry>,
}

impl Drawing<'_> {
    /// Draws one choice of `total` weight: a request, or several for one key.
    fn request(&mut self, total: u64) {
        let commands = self.encoder.commands();
        let mut left = self.random.below(total);
        let choice = commands.choices.iter().find(|(weight, _)| {
            let weight = u64::from(*weight);
            let chosen = left < weight;
            left = left.saturating_sub(weight);
            chosen
        });
        for number in choice.map_or(0..0, |(_, range)| range.clone()) {
            let command = &commands.all[number];
            let (low, high) = command.rounds;
            let spread = u64::from(high - low) + 1;
            let rounds = if low == high {
                low
            } else {
                low + self.random.below(spread) as u8
            };
            let entries = command.entries(rounds);
            if entries == 1 && command.source == Source::Drawn {
                let key = self.draw();
                // At most 255 commands.
                self.entries.push(self.encoder.entry(key, number as u8, 1));
                continue;
            }
            let mut key = self.entries.last().map_or(0, |entry| entry.key);
            for index in 0..entries {
                key = match command.source {
                    Source::Drawn => self.draw(),
                    Source::Run if index == 0 => self.draw(),
                    Source::Run => self.first + (key - self.first + 1) % self.keys,
                    Source::Same => key,
                    Source::None | Source::New => self.first,
                };
                // At most 255 commands.
                self.entries
                    .push(self.encoder.entry(key, number as u8, entries));
            }
        }
    }

    fn draw(&mut self) -> u64 {
        self.first + self.sampler.sample(&mut self.random)
    }
}

/// True if keys are known only when a request is sent.
pub(crate) fn is_late(config: &RunConfig, encoder: &Encoder) -> bool {
    let law = matches!(config.keys.law, KeyLaw::Latest { .. } | KeyLaw::Sequential);
    let inserts = encoder
        .commands()
        .all
        .iter()
        .any(|c| c.source == Source::New);
    law || config.keys.shift.is_some() || inserts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::{KeyConfig, Mix};
    use crate::statistics::chi_square_z;

    fn draw(config: &RunConfig, connection: u32, requests: u64) -> Tape {
        let encoder = Encoder::new(config).unwrap();
        let seat = Seat {
            connection,
            requests,
        };
        Tape::draw(config, &encoder, seat)
    }

    #[test]
    fn a_tape_follows_the_key_law() {
        // Issue item 3: the exponents, at n = 1e6, as they reach the wire.
        for exponent in [0.5, 0.99, 1.0, 1.21, 2.1] {
            let config = RunConfig {
                keys: KeyConfig {
                    count: 500,
                    law: KeyLaw::Zipf { exponent },
                    ..KeyConfig::default()
                },
                connections: 1,
                seed: 5,
                ..RunConfig::default()
            };
            let mut tape = draw(&config, 0, 1_000_000);
            let mut counts = vec![0; 500];
            for _ in 0..1_000_000 {
                counts[tape.next()[0].key as usize] += 1;
            }
            assert_eq!(tape.rounds, 1);
            let weight = |index: usize| (index as f64 + 1.0).powf(-exponent);
            let total: f64 = (0..500).map(weight).sum();
            let z = chi_square_z(&counts, |index| weight(index) / total);
            assert!(z < 3.5, "exponent {exponent}: {z}");
        }
    }

    #[test]
    fn each_connection_has_a_seed_of_its_own_and_the_same_one_again() {
        let config = RunConfig::default();
        let keys = |connection, seed| {
            let config = RunConfig {
                seed,
                ..config.clone()
            };
            let mut tape = draw(&config, connection, 100);
            (0..100).map(|_| tape.next()[0].key).collect::<Vec<_>>()
        };
        assert_eq!(keys(3, 1), keys(3, 1));
        assert_ne!(keys(3, 1), keys(4, 1));
        assert_ne!(keys(3, 1), keys(3, 2));
    }

    #[test]
    fn a_tape_has_the_mix_and_only_known_keys_and_begins_anew() {
        let mut config = RunConfig {
            mix: Mix { get: 3, set: 1 },
            connections: 1,
            ..RunConfig::default()
        };
        config.keys.count = 10;
        let mut tape = draw(&config, 0, 10_000);
        let mut gets = 0u32;
        for _ in 0..10_000 {
            let entry = tape.next()[0];
            assert!(entry.key < 10 && entry.size == 64);
            gets += u32::from(entry.command == 0);
        }
        assert!((7_300..7_700).contains(&gets), "{gets}");
        tape.next();
        assert_eq!(tape.rounds, 2);
    }

    #[test]
    fn a_partition_keeps_to_its_range() {
        let mut config = RunConfig {
            connections: 4,
            ..RunConfig::default()
        };
        config.keys.count = 1000;
        config.keys.partitioned = true;
        config.keys.law = KeyLaw::Zipf { exponent: 0.5 };
        for connection in 0..4 {
            let mut tape = draw(&config, connection, 10_000);
            let first = u64::from(connection) * 250;
            let mut seen = vec![false; 250];
            for _ in 0..10_000 {
                seen[(tape.next()[0].key - first) as usize] = true;
            }
            assert!(seen.into_iter().all(|seen| seen));
        }
    }

    #[test]
    fn weights_and_rounds_are_drawn() {
        let config = RunConfig {
            commands: [
                "MGET __run__ ...1-4 @3",
                "GET __key__; SET __key__ __value__ @1",
            ]
            .map(|text| text.parse().unwrap())
            .to_vec(),
            connections: 1,
            ..RunConfig::default()
        };
        let mut tape = draw(&config, 0, 100_000);
        let mut rounds = [0u64; 4];
        let (mut reads, mut pairs) = (0, 0);
        while tape.rounds == 1 && reads + pairs < 30_000 {
            let entries = tape.next().to_vec();
            if entries[0].command == 0 {
                rounds[entries.len() - 1] += 1;
                reads += 1;
                assert!(
                    entries
                        .windows(2)
                        .all(|two| two[1].key == (two[0].key + 1) % 100_000)
                );
            } else {
                // A read and then a write of the same key, next to each other.
                assert_eq!(tape.next()[0].key, entries[0].key);
                pairs += 1;
            }
        }
        assert!(
            (2.85..3.15).contains(&(f64::from(reads) / f64::from(pairs))),
            "{reads}:{pairs}"
        );
        assert!(chi_square_z(&rounds, |_| 0.25) < 3.5, "{rounds:?}");
    }
}
