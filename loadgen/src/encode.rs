//! Requests on the wire: fixed templates, a key's twelve digits patched in.

use crate::link::Protocol;
use crate::value::Values;

const DIGITS: usize = 12;

/// Two digits for each number below 100.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Appends GETs and SETs to a buffer.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// `*2 … GET $n key:`, or `get key:`, up to where the digits start.
    get: Vec<u8>,
    set: Vec<u8>,
    protocol: Protocol,
    values: Values,
}

impl Encoder {
    /// Requests for keys of this prefix, with these values.
    pub(crate) fn new(protocol: Protocol, key_prefix: &str, values: Values) -> Self {
        let head = |name: &str, words: u32| {
            let length = key_prefix.len() + DIGITS;
            match protocol {
                Protocol::Resp => {
                    format!("*{words}\r\n$3\r\n{name}\r\n${length}\r\n{key_prefix}")
                }
                Protocol::Memcached => format!("{} {key_prefix}", name.to_lowercase()),
            }
            .into_bytes()
        };
        Self {
            get: head("GET", 2),
            set: head("SET", 3),
            protocol,
            values,
        }
    }

    /// The values it writes.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// Appends `GET key`.
    pub(crate) fn get(&self, key: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.get);
        push_key(key, out);
    }

    /// Appends `SET key value`.
    pub(crate) fn set(&self, key: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.set);
        push_key(key, out);
        match self.protocol {
            Protocol::Resp => out.push(b'$'),
            Protocol::Memcached => {
                out.truncate(out.len() - 2);
                out.extend_from_slice(b" 0 0 ");
            }
        }
        push_decimal(self.values.size(key), out);
        out.extend_from_slice(b"\r\n");
        self.values.write(key, out);
        out.extend_from_slice(b"\r\n");
    }
}

fn push_key(key: u64, out: &mut Vec<u8>) {
    let mut tail = *b"000000000000\r\n";
    let mut rest = key;
    for pair in tail[..DIGITS].chunks_exact_mut(2).rev() {
        pair.copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    out.extend_from_slice(&tail);
}

fn push_decimal(number: usize, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::SizeLaw;

    #[test]
    fn requests_are_as_redis_wants_them() {
        let encoder = Encoder::new(Protocol::Resp, "key:", Values::new(SizeLaw::Fixed(3)));
        let mut out = Vec::new();
        encoder.get(1_203, &mut out);
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000001203\r\n");
        out.clear();
        encoder.set(999_999_999_999, &mut out);
        assert!(out.starts_with(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:999999999999\r\n$3\r\n"));
        assert!(out.ends_with(b"\r\n"));
        assert_eq!(out.len(), 40 + 3 + 2);
    }

    #[test]
    fn requests_are_as_memcached_wants_them() {
        let values = Values::new(SizeLaw::Fixed(3));
        let encoder = Encoder::new(Protocol::Memcached, "key:", values);
        let mut out = Vec::new();
        encoder.get(1_203, &mut out);
        assert_eq!(out, b"get key:000000001203\r\n");
        out.clear();
        encoder.set(7, &mut out);
        assert!(out.starts_with(b"set key:000000000007 0 0 3\r\n"));
        assert!(out.ends_with(b"\r\n"));
        assert_eq!(out.len(), 28 + 3 + 2);
    }

    #[test]
    fn decimals() {
        for number in [0, 9, 10, 64, 536_870_912] {
            let mut out = Vec::new();
            push_decimal(number, &mut out);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
