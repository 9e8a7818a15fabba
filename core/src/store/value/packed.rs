//! A collection as bytes, for other nodes: its kind, how many, then each element with its length.
//!
//! ```text
//! | kind u8 | count u32 | { len u32 | bytes } … |      kind 1: hash (field, value), 2: set,
//!                                                   3: list,
//!                                                   4: sorted set (member, score f64)
//! ```

use super::{Body, Collection, Fields, List, Members, Scores};

const HASH: u8 = 1;
const SET: u8 = 2;
const LIST: u8 = 3;
const SORTED: u8 = 4;

/// One element's bytes.
pub(super) type Element<'a> = &'a [u8];

/// Bytes that are no collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a packed collection: {0}")]
pub struct UnpackError(&'static str);

impl Collection {
    /// Appends it.
    pub fn pack(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Body::Hash(fields) => {
                head(HASH, fields.len(), out);
                for (field, value) in fields.iter() {
                    put(field, out);
                    put(value, out);
                }
            }
            Body::Set(members) => {
                head(SET, members.len(), out);
                members.iter().for_each(|member| put(member, out));
            }
            Body::Sorted(scores) => {
                head(SORTED, scores.len(), out);
                for (member, score) in scores.table() {
                    put(member, out);
                    put(&score.to_le_bytes(), out);
                }
            }
            Body::List(list) => {
                head(LIST, list.len(), out);
                list.iter().for_each(|element| put(element, out));
            }
        }
    }

    /// Reads what [`pack`](Self::pack) wrote, whole.
    ///
    /// # Errors
    /// Anything that `pack` does not write: an unknown kind, an empty collection, an element twice,
    /// too few bytes or too many.
    pub fn unpack(bytes: &[u8], seed: u64) -> Result<Self, UnpackError> {
        let (&kind, rest) = bytes.split_first().ok_or(UnpackError("no kind"))?;
        let (count, mut rest) = number(rest).ok_or(UnpackError("no count"))?;
        let body = match kind {
            HASH => {
                let mut fields = Fields::with_seed(seed);
                elements(&mut rest, count, &mut fields)?;
                (fields.len() == count).then_some(Body::Hash(fields))
            }
            SET => {
                let mut members = Members::with_seed(seed);
                elements(&mut rest, count, &mut members)?;
                (members.len() == count).then_some(Body::Set(members))
            }
            LIST => {
                let mut list = List::default();
                elements(&mut rest, count, &mut list)?;
                Some(Body::List(list))
            }
            SORTED => {
                let mut scores = Scores::with_seed(seed);
                elements(&mut rest, count, &mut scores)?;
                (scores.len() == count).then_some(Body::Sorted(scores))
            }
            _ => return Err(UnpackError("an unknown kind")),
        };
        let body = body.ok_or(UnpackError("an element twice, or no score"))?;
        match (count, rest) {
            (0, _) => Err(UnpackError("nothing in it")),
            (_, []) => Ok(Self(body)),
            _ => Err(UnpackError("bytes after the end")),
        }
    }
}

fn head(kind: u8, count: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

fn put(element: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(element.len() as u32).to_le_bytes());
    out.extend_from_slice(element);
}

/// Reads `count` elements of `N` parts each into a collection.
fn elements<'a, const N: usize>(
    bytes: &mut &'a [u8],
    count: usize,
    into: &mut impl Extend<[Element<'a>; N]>,
) -> Result<(), UnpackError> {
    for _ in 0..count {
        let mut parts: [Element<'a>; N] = [&[]; N];
        for part in &mut parts {
            let taken = number(bytes).and_then(|(len, rest)| rest.split_at_checked(len));
            (*part, *bytes) = taken.ok_or(UnpackError("it ends early"))?;
        }
        into.extend([parts]);
    }
    Ok(())
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*first) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::value::{End, Typed};

    fn hash(count: usize) -> Collection {
        let mut fields = Fields::new(1);
        for number in 0..count {
            fields.set(format!("f{number}").as_bytes(), &vec![b'v'; number % 100]);
        }
        fields.remove(b"f0");
        fields.into_collection()
    }

    fn set(count: usize) -> Collection {
        let mut members = Members::new(1);
        for number in 0..count {
            members.insert(number.to_string().as_bytes());
        }
        members.into_collection()
    }

    fn list(count: usize) -> Collection {
        let mut list = List::new(1);
        for number in 0..count {
            list.push(End::Left, &vec![b'e'; number % 100]);
        }
        list.into_collection()
    }

    fn sorted(count: usize) -> Collection {
        let mut scores = Scores::new(1);
        for number in 0..count {
            scores.set(number.to_string().as_bytes(), (number % 7) as f64 - 0.1);
        }
        scores.set(b"last", f64::NEG_INFINITY);
        scores.into_collection()
    }

    #[test]
    fn a_collection_comes_back_as_it_was_under_any_seed() {
        for collection in [
            hash(3),
            hash(1000),
            set(1),
            set(1000),
            list(300),
            sorted(900),
        ] {
            let mut bytes = Vec::new();
            collection.pack(&mut bytes);
            assert_eq!(Collection::unpack(&bytes, 9).as_ref(), Ok(&collection));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let mut bytes = Vec::new();
        set(3).pack(&mut bytes);
        for end in 0..bytes.len() {
            assert!(
                Collection::unpack(&bytes[..end], 1).is_err(),
                "cut at {end}"
            );
        }
        bytes.push(0);
        assert!(Collection::unpack(&bytes, 1).is_err());
        let twice = [
            &[SET, 2, 0, 0, 0][..],
            &[1, 0, 0, 0, b'a'],
            &[1, 0, 0, 0, b'a'],
        ]
        .concat();
        assert!(Collection::unpack(&twice, 1).is_err());
        assert!(Collection::unpack(&[SET, 0, 0, 0, 0], 1).is_err());
        let mut nan = [&[SORTED, 1, 0, 0, 0][..], &[1, 0, 0, 0, b'a', 8, 0, 0, 0]].concat();
        nan.extend(f64::NAN.to_le_bytes());
        assert!(Collection::unpack(&nan, 1).is_err());
        assert!(Collection::unpack(&[77, 0, 0, 0, 0], 1).is_err());
    }
}
