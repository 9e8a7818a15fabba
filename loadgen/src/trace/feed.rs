//! A worker's share of a tape, read ahead by a thread of its own and made ready for the wire there.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use crate::random::mix;
use crate::template::Expect;
use crate::trace::file::{TapeEnd, TapeReader};
use crate::trace::{TraceError, Traced, Verb};
use crate::value::Values;

/// A chunk ends with the request that makes it this large, or this many.
const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_REQUESTS: usize = 1 << 14;
/// Chunks read ahead.
const CHUNKS: usize = 8;

/// Requests ready for the wire.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) requests: Vec<Ready>,
    bytes: Vec<u8>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// Since the trace's start.
    pub(crate) time_ns: u64,
    /// What its key is told by.
    pub(crate) key: u64,
    start: u32,
    end: u32,
    /// Place of its connection among the worker's.
    pub(crate) connection: u32,
    pub(crate) command: u8,
    pub(crate) expect: Expect,
}

impl Chunk {
    pub(crate) fn bytes(&self, request: &Ready) -> &[u8] {
        &self.bytes[request.start as usize..request.end as usize]
    }
}

/// Which connections a feed is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Number of the worker's first connection, and of the one after its last.
    pub(crate) first: u32,
    pub(crate) end: u32,
    /// All connections.
    pub(crate) connections: u32,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Feed {
    chunks: Receiver<io::Result<Chunk>>,
    current: Arc<Chunk>,
    at: usize,
    over: bool,
}

impl Feed {
    /// Starts to read a tape.
    pub(crate) fn open(path: &Path, share: Share, values: Values) -> Result<Self, TraceError> {
        let (reader, end) = TapeReader::open(path)?;
        let (sender, chunks) = sync_channel(CHUNKS);
        let mut filler = Filler {
            reader,
            end,
            share,
            values,
        };
        let spawned = std::thread::Builder::new()
            .name("tape".into())
            .spawn(move || filler.fill(&sender));
        spawned.map_err(|error| TraceError::Io {
            file: path.display().to_string(),
            error,
        })?;
        let mut feed = Self {
            chunks,
            current: Arc::default(),
            at: 0,
            over: false,
        };
        // The first chunk is there before the clock starts.
        if let Ok(chunk) = feed.chunks.recv() {
            feed.current = Arc::new(chunk.map_err(|error| TraceError::Io {
                file: path.display().to_string(),
                error,
            })?);
        }
        Ok(feed)
    }

    /// The next request, if it is read already.
    pub(crate) fn peek(&mut self) -> io::Result<Option<Ready>> {
        while self.at == self.current.requests.len() {
            match self.chunks.try_recv() {
                Ok(chunk) => {
                    self.current = Arc::new(chunk?);
                    self.at = 0;
                }
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => {
                    self.over = true;
                    return Ok(None);
                }
            }
        }
        Ok(Some(self.current.requests[self.at]))
    }

    /// Takes the request that was peeked at.
    pub(crate) fn take(&mut self) -> (Arc<Chunk>, usize) {
        let at = self.at;
        self.at += 1;
        (Arc::clone(&self.current), at)
    }

    /// True if there will be no more.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

struct Filler {
    reader: TapeReader,
    end: TapeEnd,
    share: Share,
    values: Values,
}

impl Filler {
    fn fill(&mut self, sender: &SyncSender<io::Result<Chunk>>) {
        loop {
            match self.chunk() {
                Ok(chunk) if chunk.requests.is_empty() => return,
                outcome => {
                    let failed = outcome.is_err();
                    // A worker that is gone needs no more.
                    if sender.send(outcome).is_err() || failed {
                        return;
                    }
                }
            }
        }
    }

    fn chunk(&mut self) -> io::Result<Chunk> {
        let mut chunk = Chunk::default();
        let mut request = Traced {
            time_ns: 0,
            client: 0,
            command: 0,
            verb: Verb::Raw,
            value_size: 0,
            ttl: 0,
            bytes: Vec::new(),
        };
        while chunk.requests.len() < CHUNK_REQUESTS && chunk.bytes.len() < CHUNK_BYTES {
            if !self.reader.next(&mut request)? {
                break;
            }
            let connection = request.client % self.share.connections;
            if !(self.share.first..self.share.end).contains(&connection) {
                continue;
            }
            let key = told_by(&request.bytes);
            let start = chunk.bytes.len() as u32;
            write(&request, key, &self.values, &mut chunk.bytes);
            chunk.requests.push(Ready {
                time_ns: request.time_ns,
                key,
                start,
                // A chunk's bytes and one request: below 2^31.
                end: chunk.bytes.len() as u32,
                connection: connection - self.share.first,
                command: request.command,
                expect: self.expect(&request),
            });
        }
        Ok(chunk)
    }

    fn expect(&self, request: &Traced) -> Expect {
        let name = self.end.names.get(usize::from(request.command));
        match request.verb {
            Verb::Get if self.end.mutates => Expect::Found,
            Verb::Get => Expect::Own,
            Verb::Set => Expect::Stored,
            Verb::Raw if name.is_some_and(|name| name == "GET") => Expect::Found,
            _ => Expect::Any,
        }
    }
}

/// A number that tells keys apart: FNV-1a, mixed.
fn told_by(key: &[u8]) -> u64 {
    let fnv = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mix(key.iter().fold(0xcbf2_9ce4_8422_2325, fnv))
}

/// Appends a request in Redis's protocol.
fn write(request: &Traced, key: u64, values: &Values, out: &mut Vec<u8>) {
    let words: &[&str] = match request.verb {
        Verb::Raw => {
            out.extend_from_slice(&request.bytes);
            return;
        }
        Verb::Get => &["GET"],
        Verb::Set => &["SET"],
        Verb::Add => &["SET", "NX"],
        Verb::Replace => &["SET", "XX"],
        Verb::Append => &["APPEND"],
        Verb::Delete => &["DEL"],
        Verb::Increment => &["INCR"],
        Verb::Decrement => &["DECR"],
    };
    let has_value = matches!(
        request.verb,
        Verb::Set | Verb::Add | Verb::Replace | Verb::Append
    );
    let lives = request.ttl > 0 && has_value && request.verb != Verb::Append;
    let count = words.len() + 1 + usize::from(has_value) + 2 * usize::from(lives);
    out.extend_from_slice(format!("*{count}\r\n").as_bytes());
    word(words[0].as_bytes(), out);
    word(&request.bytes, out);
    if has_value {
        out.extend_from_slice(format!("${}\r\n", request.value_size).as_bytes());
        values.write_sized(key, request.value_size as usize, out);
        out.extend_from_slice(b"\r\n");
    }
    for option in &words[1..] {
        word(option.as_bytes(), out);
    }
    if lives {
        word(b"EX", out);
        word(request.ttl.to_string().as_bytes(), out);
    }
}

fn word(word: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}
