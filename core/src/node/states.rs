//! A key with its state, as it travels between peers.
//!
//! ```text
//! | key_len u32 | key | kind u8 | version u64 | expires_at_ms u64 | value_len u32 | value |
//! ```
//!
//! Kind 0: the key was never written, nothing follows; 1: deleted, no value follows; 2: a string;
//! 3: a packed collection.

use std::borrow::Cow;

use crate::store::{Collection, KeyState, StateValue};
use crate::version::Version;
use crate::wire::{Reader, WireError};

const NEVER: u8 = 0;
const TOMBSTONE: u8 = 1;
const STRING: u8 = 2;
const COLLECTION: u8 = 3;

/// Appends a key with its state; `None`: it was never written here.
pub(super) fn encode(key: &[u8], state: Option<KeyState<'_>>, out: &mut Vec<u8>) {
    bytes(key, out);
    let Some(state) = state else {
        return out.push(NEVER);
    };
    out.push(match state.value {
        StateValue::Tombstone => TOMBSTONE,
        StateValue::String(_) => STRING,
        StateValue::Collection(_) => COLLECTION,
    });
    out.extend_from_slice(&state.version.0.to_le_bytes());
    out.extend_from_slice(&state.expires_at_ms.to_le_bytes());
    match state.value {
        StateValue::Tombstone => {}
        StateValue::String(value) => bytes(value, out),
        StateValue::Collection(collection) => {
            let start = out.len();
            out.extend_from_slice(&[0; size_of::<u32>()]);
            collection.pack(out);
            let len = (out.len() - start - size_of::<u32>()) as u32;
            out[start..start + size_of::<u32>()].copy_from_slice(&len.to_le_bytes());
        }
    }
}

fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads a body that is one key with its state; a collection gets `seed` for its table.
pub(super) fn decode(body: &[u8], seed: u64) -> Result<Option<(&[u8], KeyState<'_>)>, WireError> {
    let mut reader = Reader(body);
    let read = read(&mut reader, seed)?;
    if reader.0.is_empty() {
        Ok(read)
    } else {
        Err(WireError::Body("state"))
    }
}

/// Reads the next key with its state; `None` for a key that was never written.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    seed: u64,
) -> Result<Option<(&'a [u8], KeyState<'a>)>, WireError> {
    fields(reader, seed).ok_or(WireError::Body("state"))
}

fn fields<'a>(reader: &mut Reader<'a>, seed: u64) -> Option<Option<(&'a [u8], KeyState<'a>)>> {
    let key_len = reader.u32()?;
    let key = reader.take(key_len as usize)?;
    let kind = reader.u8()?;
    if kind == NEVER {
        return Some(None);
    }
    let version = Version(reader.u64()?);
    let expires_at_ms = reader.u64()?;
    let value = match kind {
        TOMBSTONE => StateValue::Tombstone,
        STRING => {
            let value_len = reader.u32()?;
            StateValue::String(reader.take(value_len as usize)?)
        }
        COLLECTION => {
            let packed_len = reader.u32()?;
            let packed = reader.take(packed_len as usize)?;
            StateValue::Collection(Cow::Owned(Collection::unpack(packed, seed).ok()?))
        }
        _ => return None,
    };
    let state = KeyState {
        value,
        expires_at_ms,
        version,
    };
    Some(Some((key, state)))
}
