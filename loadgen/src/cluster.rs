//! Redis Cluster: which node has which slot, learnt from its nodes and from their redirects.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use crate::dial::{DialError, Dialer};

/// Slots of a cluster.
pub(crate) const SLOTS: usize = 16_384;
/// No node has the slot.
const NOBODY: u16 = u16::MAX;

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
static CRC: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc << 1) ^ (0x1021 * (crc >> 15));
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (crc << 8) ^ CRC[usize::from((crc >> 8) as u8 ^ byte)]
    })
}

/// The slot of a key: of what stands in its first braces, if there is something.
fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let close = rest.iter().position(|&byte| byte == b'}')?;
        (close > 0).then(|| &rest[..close])
    });
    crc16(tag.unwrap_or(key)) % SLOTS as u16
}

/// The slot of a request: its second word is the key of all that go to a cluster here.
pub(crate) fn slot_of(request: &[u8]) -> u16 {
    let mut lines = request.split(|&byte| byte == b'\n');
    let word = lines.nth(4).unwrap_or_default();
    slot(word.strip_suffix(b"\r").unwrap_or(word))
}

/// A redirect, as the text of an error reply says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirect<'a> {
    /// The slot is that node's from now on.
    Moved { slot: u16, node: &'a str },
    /// This one request goes there, after ASKING.
    Ask { node: &'a str },
}

impl<'a> Redirect<'a> {
    pub(crate) fn of(error: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(error).ok()?;
        let mut words = text.split_ascii_whitespace();
        let (word, slot, node) = (words.next()?, words.next()?, words.next()?);
        let slot = slot
            .parse()
            .ok()
            .filter(|&slot| usize::from(slot) < SLOTS)?;
        match word {
            "MOVED" => Some(Self::Moved { slot, node }),
            "ASK" => Some(Self::Ask { node }),
            _ => None,
        }
    }
}

/// Slots and their nodes as of one answer to CLUSTER SLOTS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `host:port` of the masters, in the order of their first slots, then of the replicas.
    pub(crate) nodes: Vec<String>,
    /// How many of them are masters.
    pub(crate) masters: usize,
    /// (first slot, last slot, node).
    pub(crate) ranges: Vec<(u16, u16, usize)>,
}

impl Layout {
    /// From lines of a flattened reply: numbers, strings, and how deep each stands.
    ///
    /// CLUSTER SLOTS gives an array of ranges: first, last, master, replicas…; a node is an array
    /// that begins with its host and port. A node that does not know its own host leaves it
    /// empty: it is the host that was asked.
    pub(crate) fn of(items: &[Item], asked: &str) -> Option<Self> {
        let mut layout = Self::default();
        let mut replicas = Vec::new();
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            if item.depth != 2 {
                return None;
            }
            let (first, last) = (item.number()?, items.next()?.number()?);
            if first > last || usize::from(last) >= SLOTS {
                return None;
            }
            let mut of_range = 0;
            while items.peek().is_some_and(|item| item.depth > 2) {
                let host = items.next()?;
                let port = items.next()?.number()?;
                while items
                    .peek()
                    .is_some_and(|item| item.depth > 2 && !item.opens)
                {
                    items.next();
                }
                let host = if host.text.is_empty() {
                    asked
                } else {
                    &host.text
                };
                let node = format!("{host}:{port}");
                if of_range == 0 {
                    let index = layout.index(node);
                    layout.ranges.push((first, last, index));
                } else {
                    replicas.push(node);
                }
                of_range += 1;
            }
        }
        layout.masters = layout.nodes.len();
        for node in replicas {
            layout.index(node);
        }
        (!layout.ranges.is_empty()).then_some(layout)
    }

    fn index(&mut self, node: String) -> usize {
        let known = self.nodes.iter().position(|known| *known == node);
        known.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }
}

/// One value of a reply, without the arrays around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// Arrays around it.
    pub(crate) depth: usize,
    /// True for the first value of its array.
    pub(crate) opens: bool,
    pub(crate) text: String,
}

/// Flattens one reply of RESP2; none while it is not whole, or where it is no reply of arrays,
/// numbers and strings.
pub(crate) fn flatten(input: &[u8]) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    // Values left in each array around.
    let mut left = Vec::new();
    let mut opens = false;
    let mut at = 0;
    loop {
        let end = at + input.get(at..)?.iter().position(|&byte| byte == b'\n')?;
        let line = std::str::from_utf8(input.get(at..end)?).ok()?.trim_end();
        at = end + 1;
        let (kind, rest) = line.split_at_checked(1)?;
        let mut text = rest.to_owned();
        match kind {
            "*" => {
                let count = rest.parse().unwrap_or(0_u32);
                if count > 0 {
                    left.push(count);
                    opens = true;
                    continue;
                }
            }
            "$" if rest != "-1" => {
                let length: usize = rest.parse().ok()?;
                let body = input.get(at..at.checked_add(length)?)?;
                text = String::from_utf8_lossy(body).into_owned();
                at += length + 2;
                input.get(at - 1)?;
            }
            "$" => text = String::new(),
            _ => {}
        }
        if kind != "*" {
            items.push(Item {
                depth: left.len(),
                opens: std::mem::take(&mut opens),
                text,
            });
        }
        while let Some(count) = left.last_mut() {
            *count -= 1;
            if *count > 0 {
                break;
            }
            left.pop();
        }
        if left.is_empty() {
            return Some(items);
        }
    }
}

impl Item {
    fn number(&self) -> Option<u16> {
        self.text.parse().ok()
    }
}

/// Asks a node of the cluster who the others are.
pub(crate) fn ask(dialer: &Dialer, endpoint: &str) -> Result<Layout, DialError> {
    let mut client = dialer.dial(endpoint)?;
    client.send(b"*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n")?;
    let items = client.whole(flatten)?;
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    Layout::of(&items, host).ok_or_else(|| {
        let first = items.first().map_or("nothing", |item| item.text.as_str());
        DialError::Refused(format!("{first} (CLUSTER SLOTS)"))
    })
}

/// The map that all workers read and that redirects change.
#[derive(Debug)]
pub(crate) struct Map {
    nodes: Vec<String>,
    slots: Vec<AtomicU16>,
}

impl Map {
    /// The nodes are numbered as `nodes` are, once for all.
    pub(crate) fn new(nodes: &[String]) -> Self {
        Self {
            nodes: nodes.to_vec(),
            slots: (0..SLOTS).map(|_| AtomicU16::new(NOBODY)).collect(),
        }
    }

    /// Takes over a layout; nodes that are not known are left out.
    pub(crate) fn learn(&self, layout: &Layout) {
        for &(first, last, node) in &layout.ranges {
            let Some(node) = self.node(&layout.nodes[node]) else {
                continue;
            };
            for slot in &self.slots[usize::from(first)..=usize::from(last)] {
                slot.store(node, Relaxed);
            }
        }
    }

    /// The number of a node.
    pub(crate) fn node(&self, name: &str) -> Option<u16> {
        let index = self.nodes.iter().position(|known| same_node(known, name))?;
        u16::try_from(index).ok()
    }

    /// A redirect said so.
    pub(crate) fn moved(&self, slot: u16, node: u16) {
        self.slots[usize::from(slot)].store(node, Relaxed);
    }

    /// The node of a key's slot; of a slot that nobody has, any.
    pub(crate) fn owner(&self, slot: u16) -> u16 {
        match self.slots[usize::from(slot)].load(Relaxed) {
            NOBODY => 0,
            node => node,
        }
    }
}

fn same_node(a: &str, b: &str) -> bool {
    let address = |text: &str| text.parse::<SocketAddr>().ok();
    a == b || address(a).is_some_and(|a| address(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // CRC16 of "123456789" is 0x31C3; the slots by `CLUSTER KEYSLOT` of redis-server 7.0.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, wanted) in [
            ("foo", 12_182),
            ("somekey", 11_058),
            ("foo{hash_tag}", 2_515),
            ("bar{hash_tag}", 2_515),
            ("{user1000}.following", 3_443),
            ("", 0),
        ] {
            assert_eq!(slot(key.as_bytes()), wanted, "{key}");
        }
        let request = b"*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$1\r\n\n\r\n";
        assert_eq!(slot_of(request), 12_182);
        assert_eq!(slot_of(b"*1\r\n$4\r\nPING\r\n"), 0);
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % 16_384);
        assert_eq!(slot(b"foo{{bar}}zap"), crc16(b"{bar") % 16_384);
        assert_eq!(slot(b"foo{bar"), crc16(b"foo{bar") % 16_384);
    }

    #[test]
    fn a_reply_is_flattened_once_it_is_whole() {
        let reply = b"*1\r\n*3\r\n:0\r\n:5\r\n*4\r\n$1\r\nh\r\n:7\r\n$2\r\nid\r\n*0\r\n";
        for cut in 0..reply.len() {
            assert_eq!(flatten(&reply[..cut]), None, "cut at {cut}");
        }
        let items = flatten(reply).unwrap();
        let wanted = [
            item(2, true, "0"),
            item(2, false, "5"),
            item(3, true, "h"),
            item(3, false, "7"),
            item(3, false, "id"),
        ];
        assert_eq!(items, wanted);
        let layout = Layout::of(&items, "").unwrap();
        assert_eq!(
            (layout.nodes, layout.ranges),
            (vec!["h:7".to_owned()], vec![(0, 5, 0)])
        );
        assert_eq!(flatten(b"-ERR no\r\n").unwrap()[0].depth, 0);
    }

    #[test]
    fn redirects_are_read_and_other_errors_are_none() {
        let moved = Redirect::Moved {
            slot: 3999,
            node: "127.0.0.1:6381",
        };
        assert_eq!(Redirect::of(b"MOVED 3999 127.0.0.1:6381"), Some(moved));
        let ask = Redirect::Ask { node: "[::1]:7" };
        assert_eq!(Redirect::of(b"ASK 1 [::1]:7"), Some(ask));
        for text in ["ERR no", "MOVED", "MOVED x y:1", "MOVED 16384 h:1", "ASK 5"] {
            assert_eq!(Redirect::of(text.as_bytes()), None, "{text}");
        }
    }

    fn item(depth: usize, opens: bool, text: &str) -> Item {
        Item {
            depth,
            opens,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_layout_names_masters_first() {
        let items = [
            item(2, true, "0"),
            item(2, false, "5460"),
            item(3, true, "127.0.0.1"),
            item(3, false, "7000"),
            item(3, false, "id-a"),
            item(3, true, "127.0.0.1"),
            item(3, false, "7003"),
            item(3, false, "id-d"),
            item(2, true, "5461"),
            item(2, false, "16383"),
            item(3, true, ""),
            item(3, false, "7001"),
            item(3, false, "id-b"),
        ];
        let layout = Layout::of(&items, "host").unwrap();
        assert_eq!(
            layout.nodes,
            ["127.0.0.1:7000", "host:7001", "127.0.0.1:7003"]
        );
        assert_eq!(layout.ranges, [(0, 5460, 0), (5461, 16_383, 1)]);
        let map = Map::new(&layout.nodes);
        assert_eq!(map.owner(9000), 0);
        map.learn(&layout);
        assert_eq!((map.owner(0), map.owner(5460), map.owner(5461)), (0, 0, 1));
        map.moved(7, 2);
        assert_eq!(map.owner(7), 2);
        assert_eq!(map.node("127.0.0.1:7003"), Some(2));
        assert_eq!(Layout::of(&items[..1], "host"), None);
        assert_eq!(Layout::of(&[], "host"), None);
    }
}
