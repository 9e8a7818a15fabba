//! Writes every key before the load, and reads some back.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

use crate::decode::{DecodeError, Decoder, Kind, Step};
use crate::encode::Encoder;

/// Why the keys could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PreloadError {
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came back is no reply.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The server refused a write.
    #[error("the server answers `{0}`")]
    Refused(String),
    /// A key read back had another value.
    #[error("key {0} does not have the value that was just written")]
    Differs(u64),
}

const BATCH_REQUESTS: u64 = 256;
const BATCH_BYTES: usize = 256 << 10;
const READ_BACK: u64 = 1000;
const SILENCE: Duration = Duration::from_secs(30);

/// Writes keys `0..keys` over one connection, then reads up to a thousand of them back.
pub(crate) fn preload(
    stream: &mut TcpStream,
    encoder: &Encoder,
    keys: u64,
) -> Result<(), PreloadError> {
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut client = Client {
        stream,
        decoder: Decoder::default(),
        buffer: vec![0; 64 << 10],
        unread: 0..0,
    };
    let mut out = Vec::new();
    let mut key = 0;
    while key < keys {
        out.clear();
        let first = key;
        while key < keys && key - first < BATCH_REQUESTS && out.len() < BATCH_BYTES {
            encoder.set(key, &mut out);
            key += 1;
        }
        client.stream.write_all(&out)?;
        for _ in first..key {
            client.reply(&mut |_, _| ())?;
        }
    }
    let step = (keys / READ_BACK).max(1);
    for key in (0..keys).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        out.clear();
        encoder.get(key, &mut out);
        client.stream.write_all(&out)?;
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

/// A blocking connection that reads one reply after the other.
struct Client<'a> {
    stream: &'a mut TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are read and not yet used.
    unread: Range<usize>,
}

impl Client<'_> {
    /// The next reply; `body` sees the pieces of its body with their offsets.
    fn reply(&mut self, body: &mut dyn FnMut(usize, &[u8])) -> Result<Kind, PreloadError> {
        loop {
            let (used, step) = self.decoder.step(&self.buffer[self.unread.clone()])?;
            self.unread.start += used;
            match step {
                Step::More => {
                    let count = self.stream.read(&mut self.buffer)?;
                    if count == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                    self.unread = 0..count;
                }
                Step::Body { offset, len } => {
                    body(
                        offset,
                        &self.buffer[self.unread.start - len..self.unread.start],
                    );
                }
                Step::Push => {}
                Step::Done(Kind::Error) => {
                    let text = String::from_utf8_lossy(self.decoder.error()).into_owned();
                    return Err(PreloadError::Refused(text));
                }
                Step::Done(kind) => return Ok(kind),
            }
        }
    }
}
