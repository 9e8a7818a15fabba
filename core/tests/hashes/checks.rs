//! What every hash must pass, be it of the table or not.

use ringlab_core::hash::{HashKind, HashRow};

use crate::vectors::{Checked, key, read, rows};

/// What another program made of a key.
pub(crate) struct Vector {
    /// Our name of the hash.
    pub(crate) hash: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: u64,
    /// The bits of ours that the other program computes.
    pub(crate) bits: u64,
    /// Where it stands.
    pub(crate) row: String,
}

/// All that are committed.
pub(crate) fn vectors() -> Vec<Vector> {
    let mut found = Vec::new();
    let mut add = |hash: &str, row: &[&str], hex: &str, (value, bits): (&str, u64)| {
        found.push(Vector {
            hash: hash.to_owned(),
            key: key(hex),
            value: value.parse().unwrap(),
            bits,
            row: row.join(","),
        });
    };
    for row in rows(&read("hashes_dynomite.csv")) {
        // Dynomite never calls murmur3: its rows are undefined.
        if row[0] != "murmur3" && row[5] != "-" {
            add(row[0], &row, row[1], (row[5], u64::MAX));
        }
    }
    for row in rows(&read("hashes_twemproxy.csv")) {
        let own = format!("twemproxy_{}", row[0]);
        if HashKind::by_name(&own).is_ok() {
            add(&own, &row, row[1], (row[2], u64::MAX));
            add(row[0], &row, row[1], (row[3], u64::MAX));
        } else {
            add(row[0], &row, row[1], (row[2], u64::MAX));
        }
    }
    for row in rows(&read("hashes_reference.csv")) {
        let value = row[3].split(':').next().unwrap();
        let (own, bits) = match row[0] {
            "murmur3_x86_128" => ("murmur3", u64::MAX),
            "xxh3_64" => ("xxh3", u64::MAX),
            "rapidhash_v3" => ("rapidhash", u64::MAX),
            "wyhash_final4" => ("wyhash", u64::MAX),
            "crc16_xmodem" => ("crc16", 0xffff),
            own => (own, u64::MAX),
        };
        add(own, &row, row[2], (value, bits));
    }
    for row in rows(&read("hashes_crates.csv")) {
        add(row[0], &row, row[2], (row[3], u64::MAX));
    }
    found
}

/// Holds a row to its vectors, its width, and what every function of a key must be.
///
/// # Panics
/// When a vector is missed, or there are too few of some kind of key to rely on.
#[track_caller]
pub(crate) fn check_row(row: &HashRow, vectors: &[Vector]) {
    let name = row.name;
    let (mut long, mut high, mut checked) = (0, 0, Checked::default());
    for vector in vectors.iter().filter(|vector| vector.hash == name) {
        long += usize::from(vector.key.len() > 64);
        high += usize::from(!vector.key.is_ascii());
        let value = (row.function)(&vector.key);
        checked.equal(&[&vector.row], value & vector.bits, vector.value);
    }
    assert!(
        checked.count > 150 && long > 5 && high > 20,
        "{name} needs vectors in core/tests/golden made by another program: it has {}, {long} of \
         long keys, {high} of keys with bytes beyond ASCII",
        checked.count
    );
    checked.finish(150);
    check_function(row);
}

/// Every length up to past all block sizes at every alignment: no panic, one value, within the
/// width.
fn check_function(row: &HashRow) {
    let bytes: Vec<u8> = (0..1108_u32)
        .map(|n| (n.wrapping_mul(0x9e37_79b1) >> 24) as u8)
        .collect();
    for len in 0..=1100 {
        let key = bytes[..len].to_vec();
        let value = (row.function)(&key);
        assert!(row.bits == 64 || value >> row.bits == 0, "{}", row.name);
        for at in 1..8 {
            let moved = [&bytes[..at], &key].concat();
            assert_eq!(
                (row.function)(&moved[at..]),
                value,
                "{}: {len} bytes at {at}",
                row.name
            );
        }
    }
}
