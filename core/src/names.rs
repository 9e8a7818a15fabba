//! Choosing by name: the closest of the right names for a wrong one, for error texts.

/// The choice nearest to `wanted` in edits (case ignored), unless nothing is near.
///
/// Near means: at most one edit for every three bytes, and at least one edit is always allowed.
#[must_use]
pub fn nearest<'a>(wanted: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let edits_max = (wanted.len() / 3).max(1);
    choices
        .into_iter()
        .map(|choice| {
            (
                edits(wanted.as_bytes(), &choice.to_ascii_lowercase()),
                choice,
            )
        })
        .filter(|(count, _)| *count <= edits_max)
        .min_by_key(|(count, _)| *count)
        .map(|(_, choice)| choice)
}

/// " (did you mean 'x'?)", or nothing when no choice is near.
#[must_use]
pub fn suggestion<'a>(wanted: &str, choices: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, choices).map_or_else(String::new, |near| format!(" (did you mean '{near}'?)"))
}

/// Levenshtein distance: insertions, deletions and replacements of single bytes.
fn edits(a: &[u8], b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, byte) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["murmur", "murmur3", "md5", "crc32a"];
        for (wanted, expected) in [
            ("mumur", Some("murmur")),
            ("MURMUR3", Some("murmur3")),
            ("md4", Some("md5")),
            ("crc32c", Some("crc32a")),
            ("sha256", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, names), expected, "{wanted}");
        }
        assert_eq!(suggestion("md4", names), " (did you mean 'md5'?)");
        assert_eq!(suggestion("sha256", names), "");
    }
}
