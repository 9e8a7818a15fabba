//! Requests on the wire: bytes made ready before the load, with a key's twelve digits and its value
//! copied in.

use crate::check::config::SIZE_MIN;
use crate::check::stamp::{Stamp, Stamps};
use crate::config::{ConfigError, RunConfig};
use crate::size::{Of, SizeLaw};
use crate::tape::Entry;
use crate::template::{Command, Commands, DIGITS, Expect, Part, Source, Template};
use crate::value::Values;

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

/// What names are filled up with.
const FILL: [u8; 64] = [b'_'; 64];

/// Appends requests to a buffer.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    commands: Commands,
    /// Of each command its bytes, where they are always the same but for key and value.
    flats: Vec<Option<Flat>>,
    /// `SET` and `GET` of one key, for the preload.
    preload: [Command; 2],
    values: Values,
    name_size: Option<SizeLaw>,
    name_bare: usize,
    ttl: Option<SizeLaw>,
    /// Bytes of a value at least.
    size_min: usize,
}

impl Encoder {
    /// The requests a run is made of.
    pub(crate) fn new(config: &RunConfig) -> Result<Self, ConfigError> {
        let read = |templates: &[Template]| Commands::read(templates, config.naming());
        let [set, get] = read(&config.preload_commands())?
            .all
            .try_into()
            .expect("the preload is two commands");
        let commands = read(&config.templates())?;
        Ok(Self {
            flats: commands.all.iter().map(Flat::of).collect(),
            commands,
            preload: [set, get],
            values: Values::new(config.size.clone()),
            name_size: config.keys.name_size.clone(),
            name_bare: config.keys.prefix.len() + DIGITS,
            ttl: config.ttl.clone(),
            size_min: if config.check.is_some() { SIZE_MIN } else { 0 },
        })
    }

    /// The values it writes.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The commands it writes.
    pub(crate) fn commands(&self) -> &Commands {
        &self.commands
    }

    /// What a tape says of a key.
    #[inline]
    pub(crate) fn entry(&self, key: u64, command: u8, entries: u8) -> Entry {
        let fill = self.name_size.as_ref().map_or(0, |law| {
            law.size_of(key, Of::Name).saturating_sub(self.name_bare)
        });
        Entry {
            key,
            // At most SIZE_MAX.
            size: self.values.size(key).max(self.size_min) as u32,
            fill: fill.min(usize::from(u16::MAX)) as u16,
            command,
            entries,
        }
    }

    /// Where a command's keys come from, and what answers it.
    #[inline]
    pub(crate) fn kind(&self, command: u8) -> (Source, Expect) {
        let command = &self.commands.all[usize::from(command)];
        (command.source, command.expect)
    }

    /// Appends the request of these entries.
    #[inline]
    pub(crate) fn request(&self, entries: &[Entry], out: &mut Vec<u8>) {
        let number = usize::from(entries[0].command);
        match &self.flats[number] {
            Some(flat) => self.flat(flat, entries[0], out),
            None => self.command(&self.commands.all[number], (entries, None), out),
        }
    }

    #[inline]
    fn flat(&self, flat: &Flat, entry: Entry, out: &mut Vec<u8>) {
        let at = out.len() + flat.digits;
        out.extend_from_slice(&flat.bytes);
        out[at..at + DIGITS].copy_from_slice(&digits(entry.key)[..DIGITS]);
        if flat.has_value {
            let size = entry.size as usize;
            push_decimal(size, out);
            out.extend_from_slice(b"\r\n");
            self.values.write_sized(entry.key, size, out);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Appends the request of one entry, whose value carries a stamp.
    pub(crate) fn stamped(&self, entry: Entry, stamped: Stamped<'_>, out: &mut Vec<u8>) {
        let command = &self.commands.all[usize::from(entry.command)];
        self.command(command, (&[entry], stamped), out);
    }

    /// Appends the preload's write of a key.
    pub(crate) fn preload_write(&self, key: u64, stamped: Stamped<'_>, out: &mut Vec<u8>) {
        let entry = self.entry(key, 0, 1);
        self.command(&self.preload[0], (&[entry], stamped), out);
    }

    /// Appends the preload's read of a key.
    pub(crate) fn preload_read(&self, key: u64, out: &mut Vec<u8>) {
        let entry = self.entry(key, 1, 1);
        self.command(&self.preload[1], (&[entry], None), out);
    }

    fn command(
        &self,
        command: &Command,
        (entries, stamped): (&[Entry], Stamped<'_>),
        out: &mut Vec<u8>,
    ) {
        let rounds = if command.keys.1 == 0 {
            0
        } else {
            (entries.len() - usize::from(command.keys.0)) / usize::from(command.keys.1)
        };
        let mut request = Request {
            encoder: self,
            entries,
            stamped,
            next: 0,
            rounds,
        };
        request.parts(&command.head, out);
        for _ in 0..rounds {
            request.parts(&command.group, out);
        }
    }
}

/// A request whose bytes are known before the load but for one key's digits, and its value.
#[derive(Clone, Debug)]
struct Flat {
    bytes: Vec<u8>,
    /// Where the digits go.
    digits: usize,
    /// True if the value's length and the value come behind the bytes.
    has_value: bool,
}

impl Flat {
    fn of(command: &Command) -> Option<Self> {
        let (head, tail, has_value): (_, &[u8], _) = match &command.head[..] {
            _ if !command.group.is_empty() => return None,
            [Part::Bytes(head), Part::LastDigits] => (head, b"", false),
            [
                Part::Bytes(head),
                Part::LastDigits,
                Part::Bytes(tail),
                Part::Value,
            ] => (head, tail, true),
            _ => return None,
        };
        Some(Self {
            bytes: [head, &digits(0)[..], tail].concat(),
            digits: head.len(),
            has_value,
        })
    }
}

/// What a value carries where it is checked.
pub(crate) type Stamped<'a> = Option<(&'a Stamps, Stamp)>;

/// A request while it is written.
struct Request<'a> {
    encoder: &'a Encoder,
    entries: &'a [Entry],
    stamped: Stamped<'a>,
    /// The entry of the next key.
    next: usize,
    /// Times the group is written.
    rounds: usize,
}

impl Request<'_> {
    #[inline]
    fn parts(&mut self, parts: &[Part], out: &mut Vec<u8>) {
        for part in parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::LastDigits => {
                    out.extend_from_slice(&digits(self.entries[self.next].key));
                    self.next += 1;
                }
                Part::Value => self.value(out),
                rare => self.rare(rare, out),
            }
        }
    }

    /// The entry of the key before.
    fn last(&self) -> Entry {
        self.entries[self.next.saturating_sub(1)]
    }

    fn value(&self, out: &mut Vec<u8>) {
        let Entry { key, size, .. } = self.last();
        push_decimal(size as usize, out);
        out.extend_from_slice(b"\r\n");
        match &self.stamped {
            None => self.encoder.values.write_sized(key, size as usize, out),
            Some((stamps, stamp)) => stamps.write(stamp, size as usize, out),
        }
        out.extend_from_slice(b"\r\n");
    }

    fn rare(&mut self, part: &Part, out: &mut Vec<u8>) {
        match part {
            Part::Count(words, more) => {
                out.push(b'*');
                push_decimal(words + more * self.rounds, out);
                out.extend_from_slice(b"\r\n");
            }
            Part::Length(bare) => {
                let entry = self.entries[self.next];
                out.push(b'$');
                push_decimal(bare + usize::from(entry.fill), out);
                out.extend_from_slice(b"\r\n");
            }
            Part::Digits => {
                out.extend_from_slice(&digits(self.entries[self.next].key)[..DIGITS]);
                self.next += 1;
            }
            Part::Fill => {
                let mut left = usize::from(self.last().fill);
                while left > 0 {
                    let piece = left.min(FILL.len());
                    out.extend_from_slice(&FILL[..piece]);
                    left -= piece;
                }
            }
            Part::Ttl => {
                let law = self.encoder.ttl.as_ref();
                let seconds = law.map_or(0, |law| law.size_of(self.last().key, Of::Ttl));
                let mut text = [0; 20];
                let text = decimal(seconds, &mut text);
                out.push(b'$');
                push_decimal(text.len(), out);
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Part::Bytes(_) | Part::LastDigits | Part::Value => {}
        }
    }
}

/// The digits of a key and the end of its word.
fn digits(key: u64) -> [u8; DIGITS + 2] {
    let mut tail = *b"000000000000\r\n";
    let mut rest = key;
    for pair in tail[..DIGITS].chunks_exact_mut(2).rev() {
        pair.copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    tail
}

fn push_decimal(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(decimal(number, &mut [0; 20]));
}

fn decimal(number: usize, digits: &mut [u8; 20]) -> &[u8] {
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
    &digits[start..]
}
