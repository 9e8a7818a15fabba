//! The rows of the table.

use ringlab_core::hash::{HASHES, HashKind};

use crate::checks::{check_row, vectors};

/// Rows without vectors fail here, wherever they came from.
#[test]
fn every_hash_of_the_table_gives_its_vectors() {
    let vectors = vectors();
    assert!(vectors.len() > 9000, "only {} vectors", vectors.len());
    for row in HASHES.iter().filter(|row| row.cpu.present()) {
        check_row(row, &vectors);
    }
}

#[test]
fn every_vector_is_of_a_row() {
    for vector in vectors() {
        let known = HASHES.iter().any(|row| row.name == vector.hash);
        assert!(known, "{}", vector.row);
    }
}

#[test]
fn the_empty_key_is_hashed_like_any_other() {
    for (name, expected) in [
        ("jenkins", 3_735_928_572),
        ("hsieh", 0),
        ("twemproxy_hsieh", 0),
        ("one_at_a_time", 0),
        ("crc16", 0),
        ("crc32", 0),
        ("crc32a", 0),
        ("crc32c", 0),
        ("murmur", 0),
        ("fnv1_64", 0x8422_2325),
        ("fnv1a_32", 0x811c_9dc5),
        ("murmur3_x64_64", 11_795_680_787_141_006_902),
    ] {
        assert_eq!(
            HashKind::by_name(name).unwrap().hash(b""),
            expected,
            "{name}"
        );
    }
}
