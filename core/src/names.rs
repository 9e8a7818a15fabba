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

/// Edits from `a` to `b`: a byte inserted, deleted or replaced, or two neighbours swapped.
fn edits(a: &[u8], b: &str) -> usize {
    let b = b.as_bytes();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut count = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                count = count.min(before[j - 2] + 1);
            }
            row.push(count);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["murmur", "murmur3", "md5", "crc32a"];
        for (wanted, expected) in [
            ("mumur", Some("murmur")),
            ("mrumur", Some("murmur")),
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
