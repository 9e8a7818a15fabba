//! The log read back by a reader of its own, written after the format's description and not after
//! the crate that wrote it.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::*;
use crate::random::Random;
use crate::window::histogram;

/// One line: tag, start, length, max, and (value, count) pairs.
#[derive(Debug)]
struct Line {
    tag: String,
    start_s: f64,
    length_s: f64,
    max: f64,
    counts: Vec<(u64, u64)>,
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut width) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').chars() {
        bits = bits << 6 | alphabet.find(letter).unwrap() as u32;
        width += 6;
        if width >= 8 {
            width -= 8;
            bytes.push((bits >> width) as u8);
            bits &= (1 << width) - 1;
        }
    }
    bytes
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// ZigZag LEB128 of at most nine bytes, of which the ninth is whole.
fn varint(bytes: &[u8], at: &mut usize) -> i64 {
    let mut value = 0_u64;
    for index in 0..9 {
        let byte = u64::from(bytes[*at]);
        *at += 1;
        if index == 8 {
            value |= byte << 56;
            break;
        }
        value |= (byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn counts(payload: &str) -> Vec<(u64, u64)> {
    let outer = base64(payload);
    assert_eq!(word(&outer, 0), 0x1c84_9314, "the compressed V2 cookie");
    assert_eq!(word(&outer, 4) as usize, outer.len() - 8);
    let mut inner = Vec::new();
    ZlibDecoder::new(&outer[8..])
        .read_to_end(&mut inner)
        .unwrap();
    assert_eq!(word(&inner, 0), 0x1c84_9313, "the V2 cookie");
    assert_eq!(word(&inner, 4) as usize, inner.len() - 40);
    assert_eq!(word(&inner, 12), 3, "significant digits");
    assert_eq!((long(&inner, 16), long(&inner, 24)), (1, 60_000_000_000));
    assert_eq!(f64::from_bits(long(&inner, 32)), 1.0, "conversion ratio");
    let (mut at, mut index, mut counts) = (40, 0_u64, Vec::new());
    while at < inner.len() {
        let count = varint(&inner, &mut at);
        if count < 0 {
            index += count.unsigned_abs();
            continue;
        }
        // 2048 values to a bucket; each bucket but the first begins at its half.
        let (bucket, half) = (index >> 10, index & 1023);
        let value = if bucket == 0 {
            half
        } else {
            (half + 1024) << (bucket - 1)
        };
        if count > 0 {
            counts.push((value, count.unsigned_abs()));
        }
        index += 1;
    }
    counts
}

fn read(text: &str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.starts_with(['#', '"']));
    let line = |line: &str| {
        let mut fields = line.split(',');
        let mut next = || fields.next().unwrap();
        Line {
            tag: next().strip_prefix("Tag=").unwrap().to_owned(),
            start_s: next().parse().unwrap(),
            length_s: next().parse().unwrap(),
            max: next().parse().unwrap(),
            counts: counts(next()),
        }
    };
    lines.map(line).collect()
}

#[test]
fn a_reader_of_the_format_finds_every_sample() {
    let mut random = Random::new(9, 0);
    let (mut get, mut set) = (histogram(), histogram());
    let mut samples = Vec::new();
    for number in 0..20_000 {
        let ns = (50_000.0 * random.exponential()) as u64 + 1;
        samples.push(ns);
        if number % 10 > 0 { &mut get } else { &mut set }
            .record(ns)
            .unwrap();
    }
    get.record(59_999_999_999).unwrap();
    let interval = |phase, index: u32| Interval {
        phase,
        start_s: 0.25 * f64::from(index),
        seconds: 0.25,
        load_start_unix_ms: 1_795_212_345_678,
        failed: 0,
        response: &get,
        commands: &[],
    };
    let mut log = HistogramLog::new(Vec::new());
    let commands = [("GET", &get), ("SET", &set)];
    for (phase, index) in [("settle", 0), ("measure", 8), ("drain", 9)] {
        log.interval(&Interval {
            commands: &commands,
            ..interval(phase, index)
        });
    }
    let text = String::from_utf8(log.finish().unwrap()).unwrap();
    let head: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(head[1], "#[Histogram log format version 1.3]");
    assert_eq!(
        head[2],
        "#[StartTime: 1795212345.678 (seconds since epoch), 2026-11-20 22:05:45 UTC]"
    );
    assert!(head[3].starts_with("\"StartTimestamp\",\"Interval_Length\""));

    let lines = read(&text);
    assert_eq!(lines.len(), 4, "the settling is not in it");
    let tags: Vec<&str> = lines.iter().map(|line| line.tag.as_str()).collect();
    assert_eq!(tags, ["GET", "SET", "GET", "SET"]);
    assert_eq!((lines[0].start_s, lines[2].start_s), (2.0, 2.25));
    assert_eq!(lines[0].length_s, 0.25);
    // 60 s rounds up to the end of its bucket, within three digits; then ns by 1e6.
    assert!(
        (lines[0].max / 60_000.0 - 1.0).abs() < 1e-3,
        "{}",
        lines[0].max
    );
    for (line, known) in lines.iter().zip([&get, &set]) {
        let total: u64 = line.counts.iter().map(|(_, count)| count).sum();
        assert_eq!(total, known.len());
    }
    // Every sample is in a slot at most a thousandth below it.
    let mut found: Vec<u64> = lines[..2]
        .iter()
        .flat_map(|line| &line.counts)
        .flat_map(|&(value, count)| std::iter::repeat_n(value, count as usize))
        .collect();
    found.sort_unstable();
    samples.push(59_999_999_999);
    samples.sort_unstable();
    for (slot, sample) in found.iter().zip(&samples) {
        assert!(
            slot <= sample && *sample - slot <= sample / 1000,
            "{slot} for {sample}"
        );
    }
}

#[test]
fn dates_of_leap_years_and_ends_of_months() {
    for (unix_s, text) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (951_782_399, "2000-02-28 23:59:59 UTC"),
        (951_782_400, "2000-02-29 00:00:00 UTC"),
        (4_107_542_399, "2100-02-28 23:59:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        (1_798_761_599, "2026-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(date(unix_s), text);
    }
}
