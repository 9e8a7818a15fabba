//! A connection's output: bytes appended by the node, taken away by whoever owns the socket.
//!
//! Small pieces are copied into one contiguous tail, so that a turn's replies leave as one slice.
//! From [`SHARED_FROM_LEN`] on a payload is queued by reference count instead.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use crate::limits::SHARED_FROM_LEN;

/// Capacity an idle queue keeps, in bytes.
const TAIL_KEPT_MAX: usize = 256 * 1024;

#[derive(Debug)]
enum Segment {
    Copied(Vec<u8>),
    Shared(Bytes),
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The unsent bytes of one connection, in order.
#[derive(Debug, Default)]
pub struct Egress {
    /// What precedes the tail; empty unless large payloads are queued.
    segments: VecDeque<Segment>,
    segments_len: usize,
    tail: Vec<u8>,
    /// Bytes already taken from the first segment, or from the tail when there is none.
    head: usize,
    /// Bytes taken since the start.
    sent: u64,
}

impl Egress {
    /// Unsent bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments_len + self.tail.len() - self.head
    }

    /// Whether nothing waits to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes taken since the start, to see whether a backlog moves.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// The buffer to append to.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Appends a copy of `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// Appends `payload`: by reference count when it is large, else as a copy.
    pub fn push(&mut self, payload: &Bytes) {
        if payload.len() < SHARED_FROM_LEN {
            self.extend(payload);
            return;
        }
        if !self.tail.is_empty() {
            let copied = std::mem::take(&mut self.tail);
            self.push_segment(Segment::Copied(copied));
        }
        self.push_segment(Segment::Shared(payload.clone()));
    }

    fn push_segment(&mut self, segment: Segment) {
        self.segments_len += segment.bytes().len();
        self.segments.push_back(segment);
    }

    /// Fills `slices` with the unsent bytes from the front; returns how many were filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.segments.iter().map(Segment::bytes);
        let pieces = pieces.chain(std::iter::once(self.tail.as_slice()));
        let mut filled = 0;
        let mut skip = self.head;
        for (slot, piece) in slices.iter_mut().zip(pieces) {
            let unsent = &piece[skip..];
            skip = 0;
            if !unsent.is_empty() {
                *slot = IoSlice::new(unsent);
                filled += 1;
            }
        }
        filled
    }

    /// Drops the first `count` unsent bytes: they were sent.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.len());
        self.head += count;
        self.sent += count as u64;
        while let Some(first) = self.segments.front() {
            let len = first.bytes().len();
            if self.head < len {
                return;
            }
            self.head -= len;
            self.segments_len -= len;
            self.segments.pop_front();
        }
        if self.head == self.tail.len() {
            self.tail.clear();
            self.tail.shrink_to(TAIL_KEPT_MAX);
            self.head = 0;
        } else if self.head > TAIL_KEPT_MAX && self.head > self.tail.len() / 2 {
            self.tail.drain(..self.head);
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(egress: &mut Egress, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !egress.is_empty() {
            let mut slices = [IoSlice::new(&[]); 4];
            let filled = egress.slices(&mut slices);
            let first: &[u8] = &slices[..filled][0];
            let count = step.min(first.len());
            out.extend_from_slice(&first[..count]);
            egress.consume(count);
        }
        out
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_write_sizes() {
        for step in [1, 7, 1000, 100_000] {
            let mut egress = Egress::default();
            let large = Bytes::from(vec![b'x'; SHARED_FROM_LEN + 3]);
            let mut expected = Vec::new();
            for round in 0..5u8 {
                egress.extend(&[round; 10]);
                egress.push(&large);
                egress.push(&Bytes::from_static(b"small"));
                expected.extend_from_slice(&[round; 10]);
                expected.extend_from_slice(&large);
                expected.extend_from_slice(b"small");
            }
            assert_eq!(egress.len(), expected.len());
            assert_eq!(taken(&mut egress, step), expected);
            assert!(egress.is_empty());
        }
    }

    #[test]
    fn a_queue_that_never_empties_does_not_keep_what_was_sent() {
        let mut egress = Egress::default();
        egress.extend(&[1; 100]);
        for _ in 0..10_000 {
            egress.extend(&[2; 1000]);
            egress.consume(1000);
        }
        assert_eq!(egress.len(), 100);
        assert!(egress.tail.capacity() < 8 * TAIL_KEPT_MAX);
    }

    #[test]
    fn large_payloads_are_shared_not_copied() {
        let mut egress = Egress::default();
        let large = Bytes::from(vec![b'x'; SHARED_FROM_LEN]);
        egress.push(&large);
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(egress.slices(&mut slices), 1);
        assert_eq!(slices[0].as_ptr(), large.as_ptr());
    }
}
