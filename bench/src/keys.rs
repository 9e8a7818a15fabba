//! Keys on standard input, one a line: as hex, or as text.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};

use crate::exit::Usage;

/// How a line spells a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Two hex digits a byte, upper or lower case.
    Hex,
    /// The line's bytes.
    Text,
}

/// Calls `each` with the key of each line. An empty line is the empty key; a carriage return
/// before the line feed belongs to the line's end.
pub(crate) fn for_each(
    mut input: impl BufRead,
    spelling: Spelling,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input.read_until(b'\n', &mut line).context("reading keys")? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match spelling {
            Spelling::Text => each(text)?,
            Spelling::Hex => {
                let key = from_hex(text).map_err(|why| Usage(format!("line {number}: {why}")))?;
                each(&key)?;
            }
        }
    }
    Ok(())
}

/// The keys of a file, at least one.
///
/// # Errors
/// It can't be read, a line is not hex where it must be, or there is no key.
pub(crate) fn of_file(path: &Path, hex: bool) -> Result<Vec<Box<[u8]>>> {
    let name = || path.display().to_string();
    let file = std::fs::File::open(path).with_context(name)?;
    let spelling = if hex { Spelling::Hex } else { Spelling::Text };
    let mut all = Vec::new();
    for_each(BufReader::new(file), spelling, |key| {
        all.push(key.into());
        Ok(())
    })
    .with_context(name)?;
    if all.is_empty() {
        return Err(Usage(format!("{}: no key in it", name())).into());
    }
    Ok(all)
}

/// The bytes as lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hex digits spell.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn from_hex(text: &[u8]) -> Result<Vec<u8>, String> {
    let digit = |at: usize| {
        let byte = text[at];
        char::from(byte).to_digit(16).ok_or_else(|| {
            let shown = char::from(byte).escape_default();
            format!(
                "'{shown}' at column {} is not a hex digit; keys as text need --text",
                at + 1
            )
        })
    };
    let digits = (0..text.len())
        .map(digit)
        .collect::<Result<Vec<u32>, String>>()?;
    if digits.len() % 2 == 1 {
        return Err(format!("{} hex digits: a byte needs two", digits.len()));
    }
    let byte = |pair: &[u32]| u8::try_from(pair[0] << 4 | pair[1]).expect("two hex digits");
    Ok(digits.chunks_exact(2).map(byte).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str, spelling: Spelling) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        for_each(input.as_bytes(), spelling, |key| {
            keys.push(key.to_vec());
            Ok(())
        })?;
        Ok(keys)
    }

    #[test]
    fn lines_are_keys() {
        let none: Vec<Vec<u8>> = vec![];
        for (input, keys) in [
            ("", none),
            ("\n", vec![vec![]]),
            ("6b\n\nFf00\n", vec![vec![0x6b], vec![], vec![0xff, 0]]),
            ("6b\r\n00", vec![vec![0x6b], vec![0]]),
        ] {
            assert_eq!(read(input, Spelling::Hex).unwrap(), keys, "{input:?}");
        }
        let keys = read("6b\n\nk v", Spelling::Text).unwrap();
        assert_eq!(keys, [&b"6b"[..], b"", b"k v"]);
    }

    #[test]
    fn bad_hex_names_its_line() {
        for (input, text) in [
            (
                "6b\n6x\n",
                "line 2: 'x' at column 2 is not a hex digit; keys as text need --text",
            ),
            ("123", "line 1: 3 hex digits: a byte needs two"),
        ] {
            let error = read(input, Spelling::Hex).unwrap_err();
            assert!(error.is::<Usage>());
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn hex_comes_back() {
        assert_eq!(to_hex(&[0, 0x6b, 0xff]), "006bff");
    }
}
