//! What a poll token stands for.

use mio::Token;

use crate::ids::{ConnId, PeerId};

/// Set in the index half of tokens that are no connections'.
const SPECIAL: u32 = 1 << 31;
const WAKER: u32 = SPECIAL | 1 << 30;
const LISTENER: u32 = SPECIAL | 1 << 29;

/// The owner of a registered socket. Two tenants of one slot differ in their generation, so that
/// an event of an old one is told from the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The control channel has messages.
    Waker,
    /// The listener of that index.
    Listener(usize),
    /// A dial under way; the serial tells attempts apart.
    Dial(PeerId, u32),
    /// An open connection.
    Connection(ConnId),
}

impl Key {
    pub(super) fn token(self) -> Token {
        let (index, generation) = match self {
            Self::Waker => (WAKER, 0),
            Self::Listener(index) => (LISTENER | index as u32, 0),
            Self::Dial(peer, serial) => (SPECIAL | u32::from(peer.0), serial),
            Self::Connection(id) => (id.index, id.generation),
        };
        debug_assert!(matches!(self, Self::Connection(_)) == (index & SPECIAL == 0));
        Token((generation as usize) << 32 | index as usize)
    }

    pub(super) fn of(token: Token) -> Self {
        let index = token.0 as u32;
        let generation = (token.0 >> 32) as u32;
        if index & SPECIAL == 0 {
            Self::Connection(ConnId { index, generation })
        } else if index & WAKER == WAKER {
            Self::Waker
        } else if index & LISTENER == LISTENER {
            Self::Listener((index & !LISTENER) as usize)
        } else {
            Self::Dial(PeerId(index as u16), generation)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is() {
        let connection = |index, generation| Key::Connection(ConnId { index, generation });
        let keys = [
            Key::Waker,
            Key::Listener(0),
            Key::Listener(3),
            Key::Dial(PeerId(0), 0),
            Key::Dial(PeerId(1023), u32::MAX),
            connection(0, 0),
            connection(0, 1),
            connection(SPECIAL - 1, u32::MAX),
        ];
        for key in keys {
            assert_eq!(Key::of(key.token()), key);
        }
    }
}
