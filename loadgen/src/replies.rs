//! Replies in whichever protocol the connection speaks.

use crate::decode::{self, DecodeError, Step};
use crate::link::Protocol;
use crate::memcache;

/// The state of one connection's replies.
#[derive(Debug)]
pub(crate) enum Replies {
    Resp(decode::Decoder),
    Memcached(memcache::Decoder),
}

impl Replies {
    pub(crate) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Resp => Self::Resp(decode::Decoder::default()),
            Protocol::Memcached => Self::Memcached(memcache::Decoder::default()),
        }
    }

    /// Uses bytes from the front of `input` up to the next step; returns how many.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<(usize, Step), DecodeError> {
        match self {
            Self::Resp(decoder) => decoder.step(input),
            Self::Memcached(decoder) => decoder.step(input),
        }
    }

    /// The text of the last error reply.
    pub(crate) fn error(&self) -> &[u8] {
        match self {
            Self::Resp(decoder) => decoder.error(),
            Self::Memcached(decoder) => decoder.error(),
        }
    }

    /// True if replies are Redis's and none is under way.
    #[inline]
    pub(crate) fn is_between(&self) -> bool {
        match self {
            Self::Resp(decoder) => decoder.is_between(),
            Self::Memcached(_) => false,
        }
    }

    /// Forgets the reply under way.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::Resp(decoder) => decoder.reset(),
            Self::Memcached(decoder) => decoder.reset(),
        }
    }

    /// Place and length of the array's string that the last body is of.
    pub(crate) fn item(&self) -> (usize, usize) {
        match self {
            Self::Resp(decoder) => decoder.item(),
            // Several values in one reply are asked for in Redis's protocol alone.
            Self::Memcached(_) => (usize::MAX, 0),
        }
    }

    /// Items of the last array that are nil, and that are neither nil nor strings.
    pub(crate) fn nils_and_others(&self) -> (usize, usize) {
        match self {
            Self::Resp(decoder) => decoder.nils_and_others(),
            Self::Memcached(_) => (0, 0),
        }
    }
}
