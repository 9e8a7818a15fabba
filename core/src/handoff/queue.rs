//! One peer's hints in the order in which they came: fixed-size entries over byte segments.

use std::collections::VecDeque;

use super::store::HintKind;
use crate::version::Version;

/// Bytes of a shared segment.
const SEGMENT_LEN: usize = 64 * 1024;
/// Longer hints get a segment of their own, so that little of a shared one is left empty.
const SHARED_HINT_LEN_MAX: usize = SEGMENT_LEN / 4;
/// Spare segments kept over all peers.
const SPARE_MAX: usize = 64;
/// Entries for which an empty queue keeps room.
const ENTRIES_KEPT: usize = 1024;

/// What a hint takes beside its own bytes.
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) version: Version,
    /// Wall clock, never before the entry ahead: ages are ordered even when the clock steps back.
    pub(super) stored_ms: u64,
    segment: u32,
    start: u32,
    len: u32,
    pub(super) kind: HintKind,
    /// Delivered, behind one that is not yet.
    pub(super) acknowledged: bool,
}

impl Entry {
    /// What it counts in the bounds.
    pub(super) const fn cost(&self) -> usize {
        self.len as usize + ENTRY_BYTES
    }
}

/// Segments waiting to be used again.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

impl Spare {
    fn take(&mut self) -> Vec<u8> {
        self.0
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(SEGMENT_LEN))
    }

    fn give(&mut self, mut segment: Vec<u8>) {
        if self.0.len() < SPARE_MAX && segment.capacity() == SEGMENT_LEN {
            segment.clear();
            self.0.push(segment);
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    segments: VecDeque<Vec<u8>>,
    /// Number of the first of `segments`; numbers wrap.
    first_segment: u32,
    /// Sum of the entries' costs.
    bytes: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    pub(super) fn acknowledge(&mut self, index: usize) {
        self.entries[index].acknowledged = true;
    }

    /// Forgets the acknowledgements of the first `count` entries.
    pub(super) fn unacknowledge(&mut self, count: usize) {
        for entry in self.entries.iter_mut().take(count) {
            entry.acknowledged = false;
        }
    }

    /// The bytes of one of its entries.
    pub(super) fn hint(&self, entry: &Entry) -> &[u8] {
        let segment = entry.segment.wrapping_sub(self.first_segment) as usize;
        let start = entry.start as usize;
        &self.segments[segment][start..start + entry.len as usize]
    }

    pub(super) fn push(
        &mut self,
        (kind, version): (HintKind, Version),
        bytes: &[u8],
        wall_ms: u64,
        spare: &mut Spare,
    ) {
        let (segment, start) = self.append(bytes, spare);
        let newest_ms = self.entries.back().map_or(0, |last| last.stored_ms);
        let entry = Entry {
            version,
            stored_ms: wall_ms.max(newest_ms),
            segment,
            start,
            len: bytes.len() as u32,
            kind,
            acknowledged: false,
        };
        self.bytes += entry.cost();
        self.entries.push_back(entry);
    }

    pub(super) fn pop(&mut self, spare: &mut Spare) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.cost();
        let in_use = match self.entries.front() {
            Some(front) => front.segment.wrapping_sub(self.first_segment),
            None => self.segments.len() as u32,
        };
        for segment in self.segments.drain(..in_use as usize) {
            spare.give(segment);
        }
        self.first_segment = self.first_segment.wrapping_add(in_use);
        if self.entries.is_empty() {
            self.entries.shrink_to(ENTRIES_KEPT);
        }
        Some(entry)
    }

    /// Puts bytes behind the last, in a segment with room for all of them.
    fn append(&mut self, bytes: &[u8], spare: &mut Spare) -> (u32, u32) {
        let room = |segment: &Vec<u8>| segment.capacity() - segment.len() >= bytes.len();
        if !self.segments.back().is_some_and(room) {
            self.segments
                .push_back(if bytes.len() > SHARED_HINT_LEN_MAX {
                    Vec::with_capacity(bytes.len())
                } else {
                    spare.take()
                });
        }
        let last = self.segments.len() - 1;
        let segment = &mut self.segments[last];
        let start = segment.len() as u32;
        segment.extend_from_slice(bytes);
        (self.first_segment.wrapping_add(last as u32), start)
    }
}
