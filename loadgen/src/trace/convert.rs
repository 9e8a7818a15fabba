//! From a trace's text to a tape, line by line.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::trace::file::{MAGIC, TapeEnd, TapeWriter};
use crate::trace::{TraceError, Traced, Verb, csv, monitor};

/// What a line says.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) time_ns: u64,
    /// The time has no parts of seconds: its requests are spread over that second.
    pub(crate) whole_seconds: bool,
    pub(crate) client: String,
    pub(crate) name: String,
    pub(crate) verb: Verb,
    pub(crate) value_size: u32,
    pub(crate) ttl: u32,
    pub(crate) bytes: Vec<u8>,
}

/// What was converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapeSummary {
    /// Requests on the tape.
    pub requests: u64,
    /// Lines that are no request to replay.
    pub left_out: u64,
    /// Lines whose time was before that of the line before: they keep their place.
    pub late: u64,
    /// Clients they came from.
    pub clients: u32,
    /// From the first to the last.
    pub span_ns: u64,
}

impl fmt::Display for TapeSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests of {} clients over {:.3} s; {} lines left out, {} not in order of time",
            self.requests,
            self.clients,
            self.span_ns as f64 / 1e9,
            self.left_out,
            self.late
        )
    }
}

/// True if the file is a tape already.
pub(crate) fn is_tape(path: &Path) -> Result<bool, TraceError> {
    let read = || -> io::Result<bool> {
        let mut input = BufReader::new(File::open(path)?);
        Ok(input.fill_buf()?.starts_with(MAGIC))
    };
    read().map_err(|error| at(path, error))
}

fn at(path: &Path, error: io::Error) -> TraceError {
    TraceError::Io {
        file: path.display().to_string(),
        error,
    }
}

/// Makes a tape of a trace: CSV, or what MONITOR printed; the first line tells which.
pub fn convert(trace: &Path, tape: &Path) -> Result<TapeSummary, TraceError> {
    let file = trace.display().to_string();
    let input = File::open(trace).map_err(|error| at(trace, error))?;
    let mut input = BufReader::with_capacity(1 << 20, input);
    let out = TapeWriter::create(tape).map_err(|error| at(tape, error))?;
    let mut converter = Converter::new(out);
    let mut line = Vec::new();
    let mut number = 0;
    let mut monitor = None;
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| at(trace, error))? == 0 {
            break;
        }
        number += 1;
        let text = line.trim_ascii_end();
        if text.is_empty() {
            continue;
        }
        let from_monitor = *monitor.get_or_insert_with(|| looks_like_monitor(text));
        let parsed = if from_monitor {
            monitor::parse(text)
        } else {
            csv::parse(text).map(Some)
        };
        let parsed = parsed.map_err(|reason| TraceError::Line {
            file: file.clone(),
            line: number,
            reason,
        })?;
        match parsed {
            Some(line) => converter.push(line).map_err(|error| at(tape, error))?,
            None => converter.summary.left_out += 1,
        }
    }
    let summary = converter.finish().map_err(|error| at(tape, error))?;
    if summary.requests == 0 {
        return Err(TraceError::Empty { file });
    }
    Ok(summary)
}

fn looks_like_monitor(line: &[u8]) -> bool {
    let first = line.split(|&byte| byte == b' ').nth(1);
    line == b"OK" || first.is_some_and(|word| word.starts_with(b"["))
}

/// Requests of one second that are held at most, to spread them over it.
const HELD_MAX: usize = 1 << 20;
/// Names of commands told apart; the others are counted together.
const NAMES_MAX: usize = 32;

struct Converter {
    out: TapeWriter,
    summary: TapeSummary,
    first_ns: Option<u64>,
    last_ns: u64,
    clients: HashMap<String, u32>,
    names: Vec<String>,
    mutates: bool,
    /// Requests of one whole second.
    held: Vec<Traced>,
}

impl Converter {
    fn new(out: TapeWriter) -> Self {
        Self {
            out,
            summary: TapeSummary::default(),
            first_ns: None,
            last_ns: 0,
            clients: HashMap::new(),
            names: Vec::new(),
            mutates: false,
            held: Vec::new(),
        }
    }

    fn push(&mut self, line: Line) -> io::Result<()> {
        let first = *self.first_ns.get_or_insert(line.time_ns);
        let latest = first + self.last_ns;
        self.summary.late += u64::from(line.time_ns < latest);
        let time_ns = line.time_ns.max(latest) - first;
        let spread = line.whole_seconds;
        if !spread || time_ns != self.last_ns || self.held.len() == HELD_MAX {
            self.release()?;
        }
        self.last_ns = time_ns;
        self.mutates |= line.verb.changes_value();
        let request = Traced {
            time_ns,
            client: self.client(line.client),
            command: self.command(line.name),
            verb: line.verb,
            value_size: line.value_size,
            ttl: line.ttl,
            bytes: line.bytes,
        };
        if spread {
            self.held.push(request);
        } else {
            self.write(&request)?;
        }
        Ok(())
    }

    /// Writes what was held, evenly over its second.
    fn release(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let count = held.len() as u64;
        for (index, mut request) in held.into_iter().enumerate() {
            request.time_ns += index as u64 * 1_000_000_000 / count;
            self.write(&request)?;
        }
        Ok(())
    }

    fn write(&mut self, request: &Traced) -> io::Result<()> {
        self.summary.requests += 1;
        self.summary.span_ns = self.summary.span_ns.max(request.time_ns);
        self.out.push(request)
    }

    fn client(&mut self, name: String) -> u32 {
        // Fewer than lines.
        let next = self.clients.len() as u32;
        *self.clients.entry(name).or_insert(next)
    }

    fn command(&mut self, name: String) -> u8 {
        let known = self.names.iter().position(|known| *known == name);
        let at = known.unwrap_or_else(|| {
            if self.names.len() < NAMES_MAX {
                self.names.push(name);
            } else if self.names.len() == NAMES_MAX {
                self.names.push("OTHERS".into());
            }
            self.names.len() - 1
        });
        // At most NAMES_MAX.
        at as u8
    }

    fn finish(mut self) -> io::Result<TapeSummary> {
        self.release()?;
        // Fewer than lines.
        self.summary.clients = self.clients.len() as u32;
        self.out.finish(&TapeEnd {
            count: self.summary.requests,
            span_ns: self.summary.span_ns,
            clients: self.summary.clients,
            mutates: self.mutates,
            names: self.names,
        })?;
        Ok(self.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::file::TapeReader;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("ringload-tape-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    fn taped(name: &str, text: &[u8]) -> Result<(TapeSummary, TapeEnd, Vec<Traced>), TraceError> {
        let folder = Folder::new(name);
        let (trace, tape) = (folder.0.join("trace"), folder.0.join("tape"));
        std::fs::write(&trace, text).unwrap();
        let summary = convert(&trace, &tape)?;
        assert!(is_tape(&tape).unwrap() && !is_tape(&trace).unwrap());
        let (mut reader, end) = TapeReader::open(&tape)?;
        let mut request = Traced {
            time_ns: 0,
            client: 0,
            command: 0,
            verb: Verb::Raw,
            value_size: 0,
            ttl: 0,
            bytes: Vec::new(),
        };
        let mut requests = Vec::new();
        while reader.next(&mut request).unwrap() {
            requests.push(request.clone());
        }
        // A tape that is cut says so.
        let bytes = std::fs::read(&tape).unwrap();
        for cut in [0, 7, 20, bytes.len() - 9, bytes.len() - 1] {
            std::fs::write(&tape, &bytes[..cut]).unwrap();
            assert!(TapeReader::open(&tape).is_err(), "cut at {cut}");
        }
        Ok((summary, end, requests))
    }

    #[test]
    fn whole_seconds_are_spread_and_clients_numbered() {
        let text = b"100,a,1,10,x,get,0\n100,b,4,20,y,set,60\n\n101,a,1,30,x,delete,0\n";
        let (summary, end, requests) = taped("csv", text).unwrap();
        let times: Vec<u64> = requests.iter().map(|request| request.time_ns).collect();
        assert_eq!(times, [0, 500_000_000, 1_000_000_000]);
        let clients: Vec<u32> = requests.iter().map(|request| request.client).collect();
        assert_eq!(clients, [0, 1, 0]);
        assert_eq!(requests[1].bytes, b"b___");
        assert_eq!((requests[1].value_size, requests[1].ttl), (20, 60));
        assert_eq!(end.names, ["GET", "SET", "DEL"]);
        assert!(!end.mutates);
        assert_eq!((summary.requests, summary.clients, summary.late), (3, 2, 0));
        assert_eq!(end.span_ns, 1_000_000_000);
    }

    #[test]
    fn what_monitor_prints_is_told_by_its_first_line() {
        let text =
            b"OK\n5.5 [0 a:1] \"get\" \"k\"\n5.25 [0 b:1] \"incr\" \"n\"\n6.5 [0 a:1] \"multi\"\n";
        let (summary, end, requests) = taped("monitor", text).unwrap();
        assert_eq!(
            (summary.requests, summary.left_out, summary.late),
            (2, 2, 1)
        );
        assert_eq!(end.names, ["GET", "INCR"]);
        assert_eq!(requests[1].bytes, b"*2\r\n$4\r\nincr\r\n$1\r\nn\r\n");
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let error = taped("bad", b"1,a,1,1,c,get,0\n\n1,a,1,1,c,got,0\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("trace, line 3: op `got`"), "{error}");
        let error = taped("none", b"OK\n").unwrap_err().to_string();
        assert!(error.contains("has no request"), "{error}");
    }
}
