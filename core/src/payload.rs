//! A request's bytes, kept once and shared by all who must send or keep them.

use std::ops::Deref;

use bytes::Bytes;

use crate::buffers::BufferPool;
use crate::egress::Egress;
use crate::limits::SHARED_FROM_LEN;

/// Owned bytes: a pooled buffer when small, counted references when large.
#[derive(Debug)]
pub enum Payload {
    /// From the pool; copied where it must be sent.
    Small(Vec<u8>),
    /// Queued by reference.
    Large(Bytes),
}

impl Payload {
    /// Keeps a copy of `bytes`.
    pub fn copy(bytes: &[u8], pool: &mut BufferPool) -> Self {
        if bytes.len() < SHARED_FROM_LEN {
            Self::Small(pool.copy(bytes))
        } else {
            Self::Large(Bytes::copy_from_slice(bytes))
        }
    }

    /// Appends to a connection's output.
    pub fn send(&self, egress: &mut Egress) {
        match self {
            Self::Small(bytes) => egress.extend(bytes),
            Self::Large(bytes) => egress.push(bytes),
        }
    }

    /// Gives a pooled buffer back.
    pub fn release(self, pool: &mut BufferPool) {
        if let Self::Small(bytes) = self {
            pool.give(bytes);
        }
    }
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Large(bytes) => bytes,
        }
    }
}
