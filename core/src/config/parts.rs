//! The small nouns of a configuration file and how each is read from its text.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::consistency::Consistency;
use crate::distribution::Token;
use crate::names;

/// `host:port`; an IPv6 host stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name or number of the host, without brackets.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

/// One of `dyn_seeds`: `host:port:rack:datacenter:tokens`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Where it listens for peers.
    pub address: Address,
    /// Its rack.
    pub rack: String,
    /// Its datacenter.
    pub datacenter: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

/// One of `weights`: `host:port:weight`, as twemproxy writes a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// What the ring calls the node.
    pub address: Address,
    /// Its share relative to its rack's other nodes, which have 1 unless they are listed too.
    pub weight: u32,
}

/// One of `bucket_types`: settings of the keys `name/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketType {
    /// The part of the key before its first `/`.
    pub name: String,
    /// The level of its reads; the pool's when absent.
    pub read_consistency: Option<Consistency>,
    /// The level of its writes; the pool's when absent.
    pub write_consistency: Option<Consistency>,
    /// Most replicas its requests go to; 0 is all.
    pub n_val: u8,
}

/// Which peer links `secure_server_option` asks to encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureServers {
    /// None.
    None,
    /// Those between datacenters.
    Datacenter,
    /// Those between racks.
    Rack,
    /// All.
    All,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For eyes.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And why.
    Debug,
}

impl Address {
    /// From `host:port`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || format!("'{text}' is not HOST:PORT, such as 127.0.0.1:8102");
        if text.starts_with('/') {
            return Err(format!(
                "'{text}': sockets of the file system are not supported"
            ));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let bare = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let named = bracketed.is_none() && !host.is_empty() && host.chars().all(bare);
        if !named && host.parse::<Ipv6Addr>().is_err() {
            return Err(form());
        }
        let port = port
            .parse()
            .map_err(|_| format!("'{port}' is no port (0 to 65535)"))?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether it stands for every address of this machine.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_unspecified())
    }

    /// The same port, reachable from this machine only.
    #[must_use]
    pub fn on_loopback(&self) -> Self {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => "::1",
            _ => "127.0.0.1",
        };
        Self {
            host: host.to_owned(),
            port: self.port,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Seed {
    /// From `host:port:rack:datacenter:tokens`, read from the right as Dynomite does.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.rsplitn(4, ':');
        let (tokens, datacenter, rack, address) =
            (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(tokens), Some(datacenter), Some(rack), Some(address)) =
            (tokens, datacenter, rack, address)
        else {
            return Err(format!(
                "'{text}' is not HOST:PORT:RACK:DATACENTER:TOKENS, such as 10.0.0.2:8101:rack2:dc1:0"
            ));
        };
        if rack.is_empty() || datacenter.is_empty() {
            return Err(format!("'{text}': rack and datacenter must not be empty"));
        }
        Ok(Self {
            address: Address::parse(address)?,
            rack: rack.to_owned(),
            datacenter: datacenter.to_owned(),
            tokens: tokens_of(tokens)?,
        })
    }
}

impl Weight {
    /// From `host:port:weight`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || format!("'{text}' is not HOST:PORT:WEIGHT, such as 10.0.0.2:8101:3");
        let (address, weight) = text.rsplit_once(':').ok_or_else(form)?;
        let weight = weight.parse().map_err(|_| form())?;
        if weight == 0 {
            return Err(format!("'{text}': a weight is at least 1"));
        }
        Ok(Self {
            address: Address::parse(address).map_err(|_| form())?,
            weight,
        })
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.address, self.rack, self.datacenter)
    }
}

/// `12345`, or several with commas between them.
pub(super) fn tokens_of(text: &str) -> Result<Vec<Token>, String> {
    text.split(',')
        .map(|part| Token::parse_digits(part.trim()).map_err(|error| error.to_string()))
        .collect()
}

/// `{}`, the two characters around the part of a key that is hashed.
pub(super) fn hash_tag(text: &str) -> Result<Option<[u8; 2]>, String> {
    match *text.as_bytes() {
        [] => Ok(None),
        [open, close] => Ok(Some([open, close])),
        _ => Err(format!("'{text}' must be two characters, such as '{{}}'")),
    }
}

/// `true`, `yes`, `on`, `1` and their opposites.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

/// A consistency level, in any case.
pub(super) fn level(text: &str) -> Result<Consistency, String> {
    Consistency::by_name(text).ok_or_else(|| {
        unknown(
            "consistency level",
            text,
            &Consistency::ALL.map(Consistency::name),
        )
    })
}

/// The error text for a word that is none of `choices`.
pub(super) fn unknown(what: &str, text: &str, choices: &[&str]) -> String {
    let near = names::suggestion(text, choices.iter().copied());
    format!(
        "unknown {what} '{text}'{near}; it is one of {}",
        choices.join(", ")
    )
}

/// A plain count.
pub(super) fn count(text: &str) -> Result<u64, String> {
    scaled(text, text, 1)
}

/// A size with the suffixes Redis gives sizes: `64mb`, `1k`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return Err(format!("'{text}' is no size, such as 67108864 or 64mb")),
    };
    scaled(text, digits, factor)
}

/// A time in ms: a bare number counts in `unit_ms`, else a suffix says: `500ms`, `10s`, `3h`, `1d`.
pub(super) fn duration_ms(text: &str, unit_ms: u64) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &text[digits.len()..] {
        "" => unit_ms,
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("'{text}' is no time, such as 500ms, 10s or 3h")),
    };
    scaled(text, digits, factor)
}

fn scaled(text: &str, digits: &str, factor: u64) -> Result<u64, String> {
    let number: u64 = digits
        .trim()
        .parse()
        .map_err(|_| format!("'{text}' is not a whole number"))?;
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("'{text}' is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port, back) in [
            ("127.0.0.1:8102", "127.0.0.1", 8102, "127.0.0.1:8102"),
            ("node-1.example:0", "node-1.example", 0, "node-1.example:0"),
            ("[::1]:22222", "::1", 22222, "[::1]:22222"),
            ("::1:22222", "::1", 22222, "[::1]:22222"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), back);
        }
        for text in [
            "",
            "8102",
            ":8102",
            "host:",
            "host:65536",
            "host:x",
            "/tmp/s 0777",
            "a b:1",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_and_wildcard() {
        for (text, loopback, wildcard, narrowed) in [
            ("127.0.0.2:1", true, false, "127.0.0.1:1"),
            ("localhost:1", true, false, "127.0.0.1:1"),
            ("[::1]:1", true, false, "[::1]:1"),
            ("0.0.0.0:1", false, true, "127.0.0.1:1"),
            ("[::]:1", false, true, "[::1]:1"),
            ("10.0.0.1:1", false, false, "127.0.0.1:1"),
            ("example.org:1", false, false, "127.0.0.1:1"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address.is_loopback(), loopback, "{text}");
            assert_eq!(address.is_wildcard(), wildcard, "{text}");
            assert_eq!(address.on_loopback().to_string(), narrowed);
        }
    }

    #[test]
    fn seeds() {
        let seed = Seed::parse("10.0.0.2:8101:rack-a:dc1:5,7").expect("well formed");
        assert_eq!(seed.to_string(), "10.0.0.2:8101:rack-a:dc1");
        assert_eq!(seed.tokens, [5, 7].map(Token::of_hash));
        let seed = Seed::parse("[::1]:8101:r:d:0").expect("well formed");
        assert_eq!(seed.address.host, "::1");
        for text in [
            "",
            "a:1",
            "a:1:r:d",
            "a:1:r:d:",
            "a:1:r:d:x",
            "a:1::d:0",
            "a:x:r:d:0",
        ] {
            assert!(Seed::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_times() {
        for (text, expected) in [
            ("0", Some(0)),
            ("64mb", Some(64 << 20)),
            ("64MB", Some(64 << 20)),
            ("1k", Some(1000)),
            ("2gb", Some(2 << 30)),
            ("mb", None),
            ("1.5mb", None),
            ("12tb", None),
            ("99999999999gb", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
        for (text, unit_ms, expected) in [
            ("5000", 1, Some(5000)),
            ("10", 1000, Some(10_000)),
            ("500ms", 1000, Some(500)),
            ("3h", 1, Some(10_800_000)),
            ("1d", 1, Some(86_400_000)),
            ("h", 1, None),
            ("-1", 1, None),
            ("5 s", 1, None),
        ] {
            assert_eq!(duration_ms(text, unit_ms).ok(), expected, "{text}");
        }
    }
}
