//! The tape file: requests one after the other, then the list of commands, then where that is.
//!
//! ```text
//! "ringtape" version:u64 │ requests… │ end: count span clients mutates names… │ offset of the end:u64
//! request: time_ns:u64 client:u32 value_size:u32 ttl:u32 length:u32 command:u8 verb:u8 │ bytes
//! ```
//! All numbers are little-endian.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::trace::{TraceError, Traced, Verb};

pub(crate) const MAGIC: &[u8; 8] = b"ringtape";
const VERSION: u64 = 1;
const HEADER: u64 = 16;
const REQUEST: usize = 26;
/// Bytes of a request's key, or of a whole one, at most.
pub(crate) const BYTES_MAX: usize = 512 << 20;
const NAMES_MAX: u32 = 64;

/// What a tape says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TapeEnd {
    pub(crate) count: u64,
    /// From the first request to the last.
    pub(crate) span_ns: u64,
    pub(crate) clients: u32,
    /// True if a key's value may be another one than a SET wrote.
    pub(crate) mutates: bool,
    /// Names of the commands.
    pub(crate) names: Vec<String>,
}

pub(crate) struct TapeWriter {
    out: BufWriter<File>,
    at: u64,
}

impl TapeWriter {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { out, at: HEADER })
    }

    pub(crate) fn push(&mut self, request: &Traced) -> io::Result<()> {
        let mut header = [0; REQUEST];
        header[..8].copy_from_slice(&request.time_ns.to_le_bytes());
        header[8..12].copy_from_slice(&request.client.to_le_bytes());
        header[12..16].copy_from_slice(&request.value_size.to_le_bytes());
        header[16..20].copy_from_slice(&request.ttl.to_le_bytes());
        // At most BYTES_MAX.
        header[20..24].copy_from_slice(&(request.bytes.len() as u32).to_le_bytes());
        header[24] = request.command;
        header[25] = request.verb as u8;
        self.out.write_all(&header)?;
        self.out.write_all(&request.bytes)?;
        self.at += (REQUEST + request.bytes.len()) as u64;
        Ok(())
    }

    pub(crate) fn finish(mut self, end: &TapeEnd) -> io::Result<()> {
        let out = &mut self.out;
        out.write_all(&end.count.to_le_bytes())?;
        out.write_all(&end.span_ns.to_le_bytes())?;
        out.write_all(&end.clients.to_le_bytes())?;
        out.write_all(&u32::from(end.mutates).to_le_bytes())?;
        out.write_all(&(end.names.len() as u32).to_le_bytes())?;
        for name in &end.names {
            out.write_all(&(name.len() as u32).to_le_bytes())?;
            out.write_all(name.as_bytes())?;
        }
        out.write_all(&self.at.to_le_bytes())?;
        out.flush()
    }
}

/// Reads a tape from its first request on.
pub(crate) struct TapeReader {
    input: BufReader<File>,
    left: u64,
}

impl TapeReader {
    /// Opens a tape and reads what it says of itself.
    pub(crate) fn open(path: &Path) -> Result<(Self, TapeEnd), TraceError> {
        let file = path.display().to_string();
        let open = || -> io::Result<Option<(Self, TapeEnd)>> {
            let mut input = BufReader::with_capacity(1 << 18, File::open(path)?);
            let mut magic = [0; 8];
            input.read_exact(&mut magic)?;
            if &magic != MAGIC || long(&mut input)? != VERSION {
                return Ok(None);
            }
            let length = input.seek(SeekFrom::End(-8))?;
            let at = long(&mut input)?;
            if !(HEADER..length).contains(&at) {
                return Ok(None);
            }
            input.seek(SeekFrom::Start(at))?;
            let Some(end) = read_end(&mut input)? else {
                return Ok(None);
            };
            input.seek(SeekFrom::Start(HEADER))?;
            let left = end.count;
            Ok(Some((Self { input, left }, end)))
        };
        match open() {
            Ok(Some((_, end))) if end.count == 0 => Err(TraceError::Empty { file }),
            Ok(Some(tape)) => Ok(tape),
            Ok(None) => Err(TraceError::NoTape { file }),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(TraceError::NoTape { file })
            }
            Err(error) => Err(TraceError::Io { file, error }),
        }
    }

    /// Puts the next request into `request`; false after the last.
    pub(crate) fn next(&mut self, request: &mut Traced) -> io::Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        request.time_ns = long(&mut self.input)?;
        request.client = short(&mut self.input)?;
        request.value_size = short(&mut self.input)?;
        request.ttl = short(&mut self.input)?;
        let length = short(&mut self.input)? as usize;
        let mut last = [0; 2];
        self.input.read_exact(&mut last)?;
        request.command = last[0];
        let verb = Verb::ALL.get(usize::from(last[1]));
        let Some(verb) = verb.filter(|_| length <= BYTES_MAX) else {
            return Err(io::Error::other(
                "a tape with a request that makes no sense",
            ));
        };
        request.verb = *verb;
        request.bytes.resize(length, 0);
        self.input.read_exact(&mut request.bytes)?;
        Ok(true)
    }
}

fn read_end(input: &mut impl Read) -> io::Result<Option<TapeEnd>> {
    let (count, span_ns) = (long(input)?, long(input)?);
    let (clients, mutates, names) = (short(input)?, short(input)?, short(input)?);
    if names > NAMES_MAX || mutates > 1 {
        return Ok(None);
    }
    let mut end = TapeEnd {
        count,
        span_ns,
        clients,
        mutates: mutates == 1,
        names: Vec::new(),
    };
    for _ in 0..names {
        let length = short(input)? as usize;
        if length > 256 {
            return Ok(None);
        }
        let mut name = vec![0; length];
        input.read_exact(&mut name)?;
        end.names.push(String::from_utf8_lossy(&name).into_owned());
    }
    Ok(Some(end))
}

fn long(input: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn short(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
