//! The part of a key that is hashed.

/// The bytes of `key` that place it: those between the first opening byte of `hash_tag` and the
/// next closing byte after it, when there are any; otherwise, and without a `hash_tag`, all of it.
///
/// An empty tag (`{}`) is ignored, as twemproxy and Redis Cluster do.
#[inline]
#[must_use]
pub fn tag_range(key: &[u8], hash_tag: Option<[u8; 2]>) -> &[u8] {
    match hash_tag {
        Some([open, close]) => between(key, open, close).unwrap_or(key),
        None => key,
    }
}

fn between(key: &[u8], open: u8, close: u8) -> Option<&[u8]> {
    if !contains(key, open) {
        return None;
    }
    let start = key.iter().position(|byte| *byte == open)? + 1;
    let tail = &key[start..];
    let len = tail.iter().position(|byte| *byte == close)?;
    (len > 0).then(|| &tail[..len])
}

/// Whether `byte` is in `key`, sixteen at a time: most keys have no tag.
fn contains(key: &[u8], byte: u8) -> bool {
    let (blocks, tail) = key.as_chunks::<16>();
    blocks.iter().any(|block| {
        block
            .iter()
            .fold(false, |found, other| found | (*other == byte))
    }) || tail.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_places_the_key() {
        for (key, expected) in [
            ("user:{42}:name", "42"),
            ("{a}{b}", "a"),
            ("{}x", "{}x"),
            ("{}{b}", "{}{b}"),
            ("{open", "{open"),
            ("close}{", "close}{"),
            ("}{x}", "x"),
            ("{{x}}", "{x"),
            ("{x", "{x"),
            ("", ""),
            ("plain", "plain"),
        ] {
            let tag = tag_range(key.as_bytes(), Some(*b"{}"));
            assert_eq!(tag, expected.as_bytes(), "{key}");
            assert_eq!(tag_range(key.as_bytes(), None), key.as_bytes());
        }
        assert_eq!(
            tag_range(b"a$b$c", Some(*b"$$")),
            b"b",
            "one byte may open and close"
        );
    }
}
