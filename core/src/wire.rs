//! The protocol between peers: length-prefixed binary frames, little-endian.
//!
//! ```text
//!  0      4      5       6     7          8            16        24           28
//!  | len  | kind | flags | tag | reserved | request id | version | deadline_ms | body …
//! ```
//!
//! `len` counts the bytes after itself. A request's body is the client's request in RESP; a
//! reply's body is a RESP reply. The deadline is what remains of it when the frame was made, so
//! that peers need no common clock. A link starts with one [`Hello`] each way.

use crate::limits::REQUEST_LEN_MAX;
use crate::version::Version;

/// Version of this protocol; peers of another version are refused.
pub const PROTOCOL_VERSION: u16 = 1;
/// Bytes of a frame before its body.
pub const HEADER_LEN: usize = 28;
const MAGIC: [u8; 4] = *b"RLP1";
/// A body is a request, or a page of the catch-up stream; both stay below this, in bytes.
const BODY_LEN_MAX: usize = REQUEST_LEN_MAX + 64 * 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// First frame of a link: who speaks.
    Hello = 1,
    /// Are you there; carries the sender's state in `tag`.
    Ping = 2,
    /// Yes; carries the sender's state in `tag`.
    Pong = 3,
    /// A command to execute, in RESP.
    Request = 4,
    /// The answer to a `Request`, or the acknowledgement of a `Repair`.
    Reply = 5,
    /// Asks for the state of a key: value, expiry, version.
    Fetch = 6,
    /// The answer to a `Fetch`: a key with its state, or nothing.
    State = 7,
    /// Write this state unless a newer one is there. Acknowledged when its id is not zero.
    Repair = 8,
    /// Catch-up: send me the entries after this cursor.
    Pull = 9,
    /// Catch-up: the next cursor (zero: that was all) and entries.
    Page = 10,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Hello,
        Self::Ping,
        Self::Pong,
        Self::Request,
        Self::Reply,
        Self::Fetch,
        Self::State,
        Self::Repair,
        Self::Pull,
        Self::Page,
    ];

    fn by_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

/// One-bit facts of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The client speaks RESP3: encode the reply so.
    pub const RESP3: Self = Self(1);
    /// The reply is an error.
    pub const ERROR: Self = Self(2);
    /// The request is a hint being delivered.
    pub const HINT: Self = Self(4);
    /// The write changed nothing because a newer version was there (the reply's version).
    pub const SUPERSEDED: Self = Self(8);
    /// The hop tag: the receiver passes this write on to the other racks of its datacenter (D12).
    /// A request without it is carried out and never planned again (D15).
    pub const FORWARD: Self = Self(16);
    /// The peer can't answer this now (it is catching up): no vote.
    pub const REFUSED: Self = Self(32);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits and `other`'s when `condition` holds.
    #[must_use]
    pub const fn with(self, other: Self, condition: bool) -> Self {
        if condition {
            Self(self.0 | other.0)
        } else {
            self
        }
    }
}

/// Everything of a frame but its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: Kind,
    /// One-bit facts.
    pub flags: Flags,
    /// The sender's state, in a hello, ping or pong.
    pub tag: u8,
    /// Chosen by the asker, repeated in the answer.
    pub request_id: u64,
    /// Stamp of the write, or of what the reply speaks of.
    pub version: Version,
    /// What remains of the request's time, in milliseconds.
    pub deadline_ms: u32,
}

impl Header {
    /// A header of that kind with everything else zero.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            flags: Flags(0),
            tag: 0,
            request_id: 0,
            version: Version::NEVER,
            deadline_ms: 0,
        }
    }

    /// Appends the header of a frame whose body has `body_len` bytes.
    pub fn encode(&self, body_len: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes(body_len));
    }

    /// The header of a frame whose body has `body_len` bytes.
    #[must_use]
    pub fn bytes(&self, body_len: usize) -> [u8; HEADER_LEN] {
        debug_assert!(body_len <= BODY_LEN_MAX);
        let mut bytes = [0; HEADER_LEN];
        let len = (HEADER_LEN - 4 + body_len) as u32;
        bytes[0..4].copy_from_slice(&len.to_le_bytes());
        bytes[4] = self.kind as u8;
        bytes[5] = self.flags.0;
        bytes[6] = self.tag;
        bytes[8..16].copy_from_slice(&self.request_id.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.version.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.deadline_ms.to_le_bytes());
        bytes
    }
}

/// Why a peer's bytes can't be read. The link is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The length is too small for a header or above the cap.
    #[error("peer frame length {0} is out of range")]
    Length(usize),
    /// No such kind in this protocol version.
    #[error("unknown peer frame kind {0}")]
    Kind(u8),
    /// The frame's body is not what its kind says.
    #[error("malformed {0} frame")]
    Body(&'static str),
    /// It speaks, but not to us.
    #[error("peer refused: {0}")]
    Refused(String),
}

/// What the start of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// Not a whole frame yet: at least this many bytes in total are wanted.
    Incomplete {
        /// Bytes from the start of the frame.
        need: usize,
    },
    /// One frame, `len` bytes long.
    Frame {
        /// All but the body.
        header: Header,
        /// The body.
        body: &'a [u8],
        /// Length of the whole frame.
        len: usize,
    },
}

/// Reads the frame at the start of `buf`.
///
/// # Errors
/// A length or kind that no peer of this protocol sends.
pub fn parse(buf: &[u8]) -> Result<Parsed<'_>, WireError> {
    let Some(head) = buf.first_chunk::<4>() else {
        return Ok(Parsed::Incomplete { need: HEADER_LEN });
    };
    let len = u32::from_le_bytes(*head) as usize + 4;
    if !(HEADER_LEN..=HEADER_LEN + BODY_LEN_MAX).contains(&len) {
        return Err(WireError::Length(len - 4));
    }
    let Some(&code) = buf.get(4) else {
        return Ok(Parsed::Incomplete { need: HEADER_LEN });
    };
    let kind = Kind::by_code(code).ok_or(WireError::Kind(code))?;
    if buf.len() < len {
        return Ok(Parsed::Incomplete { need: len });
    }
    let header = Header {
        kind,
        flags: Flags(buf[5]),
        tag: buf[6],
        request_id: u64_at(buf, 8),
        version: Version(u64_at(buf, 16)),
        deadline_ms: u64_at(buf, 20).wrapping_shr(32) as u32,
    };
    Ok(Parsed::Frame {
        header,
        body: &buf[HEADER_LEN..len],
        len,
    })
}

fn u64_at(buf: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&buf[at..at + 8]);
    u64::from_le_bytes(bytes)
}

/// The body of the first frame of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Peers of another cluster are refused.
    pub cluster: String,
    /// The sender's name in the topology, `host:port`.
    pub node: String,
    /// Differs after each start of the process.
    pub incarnation: u64,
    /// Fingerprint of the sender's topology: a difference is reported.
    pub topology: u64,
}

impl Hello {
    /// Appends the whole frame; `state` is the sender's.
    pub fn encode(&self, state: u8, out: &mut Vec<u8>) {
        let body_len = MAGIC.len() + 2 + 8 + 8 + 2 + self.cluster.len() + 2 + self.node.len();
        let mut header = Header::new(Kind::Hello);
        header.tag = state;
        header.encode(body_len, out);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
        out.extend_from_slice(&self.incarnation.to_le_bytes());
        out.extend_from_slice(&self.topology.to_le_bytes());
        for text in [&self.cluster, &self.node] {
            out.extend_from_slice(&(text.len() as u16).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Reads the body of a hello frame.
    ///
    /// # Errors
    /// Another protocol or protocol version, or a malformed body.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(body);
        let malformed = WireError::Body("hello");
        if reader.take(MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(malformed);
        }
        let version = reader.u16().ok_or_else(|| malformed.clone())?;
        if version != PROTOCOL_VERSION {
            return Err(WireError::Refused(format!(
                "it speaks protocol version {version}, this node {PROTOCOL_VERSION}: run the same release on all peers"
            )));
        }
        let read = |reader: &mut Reader<'_>| {
            Some(Self {
                incarnation: reader.u64()?,
                topology: reader.u64()?,
                cluster: reader.text()?,
                node: reader.text()?,
            })
        };
        read(&mut reader).ok_or(malformed)
    }
}

/// Takes fields from the front of a body; `None` when it is too short.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::from(self.u16()?);
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_wire_and_asks_for_what_is_missing() {
        let mut header = Header::new(Kind::Request);
        header.flags = Flags::RESP3.with(Flags::HINT, true);
        header.tag = 3;
        header.request_id = 0x0123_4567_89ab_cdef;
        header.version = Version(u64::MAX - 5);
        header.deadline_ms = 4_999;
        let mut bytes = Vec::new();
        header.encode(4, &mut bytes);
        bytes.extend_from_slice(b"body");
        for cut in 0..bytes.len() {
            let parsed = parse(&bytes[..cut]).expect("a prefix is not an error");
            assert!(matches!(parsed, Parsed::Incomplete { need } if need > cut));
        }
        let len = bytes.len();
        let body = &b"body"[..];
        assert_eq!(parse(&bytes), Ok(Parsed::Frame { header, body, len }));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse(&[0; 28]), Err(WireError::Length(0)));
        assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Err(WireError::Kind(b'/')));
        let mut bytes = Vec::new();
        Header::new(Kind::Ping).encode(0, &mut bytes);
        bytes[4] = 99;
        assert_eq!(parse(&bytes), Err(WireError::Kind(99)));
    }

    #[test]
    fn hello_survives_and_other_versions_are_named() {
        let hello = Hello {
            cluster: "dyn_o_mite".into(),
            node: "127.0.0.1:8101".into(),
            incarnation: 77,
            topology: 5,
        };
        let mut bytes = Vec::new();
        hello.encode(1, &mut bytes);
        let Ok(Parsed::Frame { body, .. }) = parse(&bytes) else {
            panic!("a whole frame");
        };
        assert_eq!(Hello::decode(body), Ok(hello));
        for cut in 0..body.len() {
            assert!(Hello::decode(&body[..cut]).is_err());
        }
        let mut other = body.to_vec();
        other[4] = 9;
        assert!(
            Hello::decode(&other)
                .unwrap_err()
                .to_string()
                .contains("version 9")
        );
    }
}
