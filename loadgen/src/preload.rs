//! Writes every key before the load, and reads some back.

use crate::decode::Kind;
use crate::dial::{Client, DialError};
use crate::encode::Encoder;

/// Why the keys could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PreloadError {
    /// The connection broke, or the server refused a write.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A key read back had another value.
    #[error("key {0} does not have the value that was just written")]
    Differs(u64),
}

const BATCH_REQUESTS: u64 = 256;
const BATCH_BYTES: usize = 256 << 10;
const READ_BACK: u64 = 1000;

/// Writes keys `0..keys` over one connection, then reads up to a thousand of them back.
pub(crate) fn preload(
    client: &mut Client,
    encoder: &Encoder,
    keys: u64,
) -> Result<(), PreloadError> {
    let mut out = Vec::new();
    let mut key = 0;
    while key < keys {
        out.clear();
        let first = key;
        while key < keys && key - first < BATCH_REQUESTS && out.len() < BATCH_BYTES {
            encoder.preload_write(key, &mut out);
            key += 1;
        }
        client.send(&out)?;
        for _ in first..key {
            client.reply(&mut |_, _| ())?;
        }
    }
    let step = (keys / READ_BACK).max(1);
    for key in (0..keys).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        out.clear();
        encoder.preload_read(key, &mut out);
        client.send(&out)?;
        let values = encoder.values();
        let mut right = true;
        let kind = client.reply(&mut |offset, piece| {
            right &= values.matches(key, offset, piece);
        })?;
        if !right || kind != Kind::Bulk(values.size(key)) {
            return Err(PreloadError::Differs(key));
        }
    }
    Ok(())
}
