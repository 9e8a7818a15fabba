//! Redis' glob patterns: `*`, `?`, `[a-z]`, `[^a]`, `\` before a byte that stands for itself.

/// Whether a text matches a pattern as a whole.
///
/// As in Redis, an empty text matches nothing but the empty pattern, ranges may be given either
/// way round, and a set without its end ends with the pattern. Takes at most pattern × text steps.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `*` when the rest doesn't match: it swallows one byte more.
    let mut retry: Option<(usize, usize)> = None;
    if text.is_empty() {
        return pattern.is_empty();
    }
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            while pattern.get(p) == Some(&b'*') {
                p += 1;
            }
            if p == pattern.len() {
                return true;
            }
            retry = Some((p, t));
            continue;
        }
        match step(&pattern[p..], text[t]) {
            Some(taken) => {
                p += taken;
                t += 1;
            }
            None => match &mut retry {
                Some((after_star, swallowed)) => {
                    *swallowed += 1;
                    (p, t) = (*after_star, *swallowed);
                }
                None => return false,
            },
        }
        if t == text.len() {
            while pattern.get(p) == Some(&b'*') {
                p += 1;
            }
            if p < pattern.len()
                && let Some((after_star, swallowed)) = &mut retry
            {
                *swallowed += 1;
                (p, t) = (*after_star, *swallowed);
            }
        }
    }
    p == pattern.len()
}

/// Matches one byte against the pattern's first element; gives that one's length.
fn step(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => {
            let (matched, len) = match_set(set, byte);
            matched.then_some(1 + len)
        }
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// Whether a byte is in a set, and how long the set is with its `]`.
fn match_set(set: &[u8], byte: u8) -> (bool, usize) {
    let negated = set.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut matched = false;
    loop {
        match &set[at..] {
            [b'\\', literal, ..] => {
                matched |= *literal == byte;
                at += 2;
            }
            [b']', ..] => return (matched != negated, at + 1),
            [] => return (matched != negated, at),
            [low, b'-', high, ..] => {
                // C compares them as signed bytes.
                let (low, high, byte) = (*low as i8, *high as i8, byte as i8);
                matched |= (low.min(high)..=low.max(high)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                matched |= *literal == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let table = [
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("h\\*llo", "h*llo", true),
            ("h\\*llo", "heello", false),
            ("*", "anything", true),
            ("", "", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("*ab", "aab", true),
            ("a*c*e", "abcde", true),
            ("[\\]]", "]", true),
            ("[abc", "b", true),
            ("[", "a", false),
            ("a**", "a", true),
            ("a?", "a", false),
            ("?", "", false),
        ];
        for (pattern, text, expected) in table {
            let matched = matches(pattern.as_bytes(), text.as_bytes());
            assert_eq!(matched, expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = b"a*".repeat(50);
        assert!(!matches(
            &[&pattern[..], b"b"].concat(),
            &b"a".repeat(5_000)
        ));
    }
}
