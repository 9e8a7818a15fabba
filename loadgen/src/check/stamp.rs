//! What a checked value carries: key, version, writer and run under a checksum, then a body that
//! follows from them. Both together say of every byte whether it is right.

use crate::random::{Random, mix};

/// Bytes before the body; a checked value has at least these.
pub(crate) const HEAD: usize = 24;
const POOL: usize = 1 << 16;

/// Who wrote what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) key: u64,
    /// Counts the writes of the key in its run, from 1.
    pub(crate) version: u32,
    pub(crate) writer: u32,
    /// Tells this run's values from those of earlier ones.
    pub(crate) run: u32,
}

impl Stamp {
    fn checksum(&self, size: usize) -> u32 {
        let versions = u64::from(self.version) << 32 | u64::from(self.run);
        let rest = (size as u64) << 32 | u64::from(self.writer);
        (mix(mix(mix(self.key) ^ versions) ^ rest) >> 32) as u32
    }

    /// Where in the pool the body starts.
    fn start(&self) -> usize {
        let word = mix(self.key ^ u64::from(self.version).rotate_left(40) ^ u64::from(self.run));
        (word >> 48) as usize % POOL
    }

    fn head(&self, size: usize) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(&self.key.to_le_bytes());
        head[8..12].copy_from_slice(&self.version.to_le_bytes());
        head[12..16].copy_from_slice(&self.writer.to_le_bytes());
        head[16..20].copy_from_slice(&self.run.to_le_bytes());
        head[20..].copy_from_slice(&self.checksum(size).to_le_bytes());
        head
    }

    /// What a head says.
    fn of(head: &[u8; HEAD]) -> Self {
        Self {
            key: u64::from(word(head, 4)) << 32 | u64::from(word(head, 0)),
            version: word(head, 8),
            writer: word(head, 12),
            run: word(head, 16),
        }
    }
}

fn word(head: &[u8; HEAD], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

/// Writes checked values, and is what they are compared with.
#[derive(Debug)]
pub(crate) struct Stamps {
    pool: Vec<u8>,
}

impl Default for Stamps {
    fn default() -> Self {
        let mut random = Random::new(0x7374_616d_7073, 0);
        Self {
            pool: (0..POOL / 8)
                .flat_map(|_| random.word().to_le_bytes())
                .collect(),
        }
    }
}

impl Stamps {
    /// Appends a value of `size` bytes, which are at least [`HEAD`].
    pub(crate) fn write(&self, stamp: &Stamp, size: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp.head(size));
        let mut at = stamp.start();
        let mut left = size - HEAD;
        while left > 0 {
            let take = left.min(POOL - at);
            out.extend_from_slice(&self.pool[at..at + take]);
            left -= take;
            at = 0;
        }
    }

    fn matches(&self, mut at: usize, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            let take = piece.len().min(POOL - at);
            if piece[..take] != self.pool[at..at + take] {
                return false;
            }
            piece = &piece[take..];
            at = 0;
        }
        true
    }
}

/// A value that is coming in, in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    head: [u8; HEAD],
    /// Bytes so far.
    have: usize,
    body_right: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            head: [0; HEAD],
            have: 0,
            body_right: true,
        }
    }
}

impl Reading {
    /// The next piece. The body is followed as the head says, whether its checksum holds or not.
    pub(crate) fn feed(&mut self, stamps: &Stamps, piece: &[u8]) {
        let to_head = piece.len().min(HEAD.saturating_sub(self.have));
        self.head[self.have.min(HEAD)..][..to_head].copy_from_slice(&piece[..to_head]);
        self.have += to_head;
        let body = &piece[to_head..];
        if !body.is_empty() {
            let stamp = Stamp::of(&self.head);
            let at = (stamp.start() + self.have - HEAD) % POOL;
            self.body_right = self.body_right && stamps.matches(at, body);
            self.have += body.len();
        }
    }

    /// The value is whole: what it says, if all of it is right.
    pub(crate) fn finish(self) -> Option<Stamp> {
        let stamp = Stamp::of(&self.head);
        let right = self.have >= HEAD
            && self.body_right
            && stamp.checksum(self.have) == word(&self.head, 20);
        right.then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        key: 0x1_0000_0007,
        version: 3,
        writer: 2,
        run: 0xfeed,
    };

    fn read(stamps: &Stamps, pieces: &[&[u8]]) -> Option<Stamp> {
        let mut reading = Reading::default();
        for piece in pieces {
            reading.feed(stamps, piece);
        }
        reading.finish()
    }

    #[test]
    fn a_value_is_read_back_however_it_is_cut() {
        let stamps = Stamps::default();
        for size in [HEAD, HEAD + 1, 64, 70_000, 140_001] {
            let mut value = Vec::new();
            stamps.write(&STAMP, size, &mut value);
            assert_eq!(value.len(), size);
            for cut in (0..=size.min(60)).chain([size / 2, size]) {
                let (head, tail) = value.split_at(cut);
                assert_eq!(read(&stamps, &[head, tail]), Some(STAMP), "{size} {cut}");
            }
            let bytes: Vec<&[u8]> = value.chunks(1).collect();
            assert_eq!(read(&stamps, &bytes), Some(STAMP));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_missing_byte_shows() {
        let stamps = Stamps::default();
        let mut value = Vec::new();
        stamps.write(&STAMP, 100, &mut value);
        for bit in 0..800 {
            value[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&stamps, &[&value]), None, "bit {bit}");
            value[bit / 8] ^= 1 << (bit % 8);
        }
        for size in 0..100 {
            assert_eq!(read(&stamps, &[&value[..size]]), None, "{size} bytes");
        }
        value.push(0);
        assert_eq!(read(&stamps, &[&value]), None);
    }
}
