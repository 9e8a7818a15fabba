//! Every reply is the reply of the request in its place.
//!
//! Values are unique and name their key, an `ECHO` names its request: a reply that took another's
//! place, was torn, or is of the wrong kind can't pass.

use crate::sim::history::{Ask, End, History, Key, OpId, Seen, writer};

/// The rule's name.
pub(in crate::sim) const RULE: &str = "order";

/// What an `ECHO` sends.
pub(in crate::sim) fn echo(op: OpId) -> Vec<u8> {
    format!("echo {op}").into_bytes()
}

/// How the reply ends the operation, noting what it saw; `None`: it can't be this operation's reply.
pub(in crate::sim) fn judge(id: OpId, reply: &[u8], history: &mut History) -> Option<End> {
    let ask = history.op(id).ask.clone();
    if reply.starts_with(b"-") {
        let wrong = [
            &b"-ERR Protocol"[..],
            b"-ERR unknown",
            b"-WRONGTYPE",
            b"-ERR wrong",
        ];
        let belongs = ask != Ask::Echo && !wrong.iter().any(|text| reply.starts_with(text));
        return belongs.then_some(End::Failed);
    }
    let fits = match &ask {
        Ask::Set(_) | Ask::Setex(..) | Ask::Mset(_) => reply == b"+OK\r\n",
        Ask::Del(keys) | Ask::Exists(keys) => integer(reply)? <= keys.len() as u64,
        Ask::Incr(_) => integer(reply)? > 0,
        Ask::Count(_) => bulk(reply)?
            .0
            .is_none_or(|value| value.iter().all(u8::is_ascii_digit)),
        Ask::Echo => bulk(reply)?.0 == Some(&echo(id)[..]),
        Ask::Get(key) => see(id, *key, bulk(reply)?.0, history),
        Ask::Mget(keys) => {
            let header = format!("*{}\r\n", keys.len());
            let mut rest = reply.strip_prefix(header.as_bytes())?;
            for key in keys {
                let (value, after) = bulk(rest)?;
                rest = after;
                if !see(id, *key, value, history) {
                    return None;
                }
            }
            rest.is_empty()
        }
    };
    fits.then_some(End::Done)
}

fn see(op: OpId, key: Key, bytes: Option<&[u8]>, history: &mut History) -> bool {
    let value = bytes.map(|bytes| writer(history, key, bytes));
    let known = value != Some(None);
    history.seen.push(Seen {
        op,
        key,
        value: value.flatten(),
    });
    known
}

fn line(reply: &[u8]) -> Option<(&str, &[u8])> {
    let end = reply.windows(2).position(|pair| pair == b"\r\n")?;
    let text = std::str::from_utf8(&reply[..end]).ok()?;
    Some((text, &reply[end + 2..]))
}

fn integer(reply: &[u8]) -> Option<u64> {
    line(reply)?.0.strip_prefix(':')?.parse().ok()
}

/// A bulk string, or nil, and what follows it.
fn bulk(reply: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (head, rest) = line(reply)?;
    let len: i64 = head.strip_prefix('$')?.parse().ok()?;
    let Ok(len) = usize::try_from(len) else {
        return Some((None, rest));
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((Some(value), rest.strip_prefix(b"\r\n")?))
}
