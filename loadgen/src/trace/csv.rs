//! `time,key,key_size,value_size,client,op,ttl`: the form of Twitter's published traces
//! (github.com/twitter/cache-trace). Time is in seconds; keys may have commas in them.

use crate::trace::Verb;
use crate::trace::convert::Line;
use crate::trace::file::BYTES_MAX;

/// Reads one line.
pub(crate) fn parse(line: &[u8]) -> Result<Line, String> {
    let text = std::str::from_utf8(line).map_err(|_| "not in UTF-8".to_owned())?;
    let wanted = "seven columns are wanted: time,key,key_size,value_size,client,op,ttl";
    // From the end, because a key may have commas.
    let mut columns = text.rsplitn(6, ',');
    let mut column = || columns.next().ok_or_else(|| wanted.to_owned());
    let (ttl, op, client) = (column()?, column()?, column()?);
    let (value_size, key_size, front) = (column()?, column()?, column()?);
    let (time, key) = front.split_once(',').ok_or_else(|| wanted.to_owned())?;
    let number = |name: &str, text: &str| -> Result<u32, String> {
        let number = text.trim().parse();
        number.map_err(|_| format!("{name} `{text}` is no number of bytes or seconds"))
    };
    let verb = match op.trim() {
        "get" | "gets" => Verb::Get,
        "set" | "cas" => Verb::Set,
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "append" | "prepend" => Verb::Append,
        "delete" => Verb::Delete,
        "incr" => Verb::Increment,
        "decr" => Verb::Decrement,
        other => {
            return Err(format!(
                "op `{other}` is none of get gets set add replace cas append prepend delete incr decr"
            ));
        }
    };
    let (key_size, value_size) = (
        number("key_size", key_size)?,
        number("value_size", value_size)?,
    );
    if key.is_empty() {
        return Err("the key is empty".to_owned());
    }
    if key_size as usize > 1 << 20 || value_size as usize > BYTES_MAX {
        return Err("a key of more than 1 MiB, or a value of more than 512 MiB".to_owned());
    }
    let mut bytes = key.as_bytes().to_vec();
    // Anonymised keys may be shorter than the real ones; longer ones stay what they are.
    bytes.resize(bytes.len().max(key_size as usize), b'_');
    Ok(Line {
        time_ns: seconds(time)?,
        whole_seconds: !time.contains('.'),
        client: client.trim().to_owned(),
        name: verb.name().to_owned(),
        verb,
        value_size,
        ttl: number("ttl", ttl)?,
        bytes,
    })
}

/// Seconds with up to nine decimals, in ns.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let error = || format!("time `{text}` is no number of seconds");
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let whole: u64 = whole.parse().map_err(|_| error())?;
    let digits = part.len().min(9);
    let part: u64 = if digits == 0 {
        0
    } else {
        part[..digits].parse().map_err(|_| error())?
    };
    let ns = part * 10u64.pow(9 - digits as u32);
    whole
        .checked_mul(1_000_000_000)
        .and_then(|whole| whole.checked_add(ns))
        .ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_twitters_traces() {
        let line = parse(b"0,q:q:1:8WTfjZU14ee,17,213,4,get,0").unwrap();
        assert_eq!(
            (line.time_ns, line.verb, line.client.as_str()),
            (0, Verb::Get, "4")
        );
        assert_eq!(line.bytes, b"q:q:1:8WTfjZU14ee");
        let line = parse(b"12.5,a,b,6,99,c-1,set,3600").unwrap();
        assert_eq!(
            (line.time_ns, line.value_size, line.ttl),
            (12_500_000_000, 99, 3600)
        );
        assert_eq!(line.bytes, b"a,b___");
        assert!(!line.whole_seconds);
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        let cases = [
            ("", "seven columns"),
            ("1,k,1,1,c,get", "seven columns"),
            ("x,k,1,1,c,get,0", "time `x`"),
            ("1,k,one,1,c,get,0", "key_size `one`"),
            ("1,k,1,1,c,fetch,0", "op `fetch`"),
            ("1,k,1,1,c,get,-1", "ttl `-1`"),
            ("1,,1,1,c,get,0", "the key is empty"),
            ("99999999999999999999,k,1,1,c,get,0", "time"),
        ];
        for (line, wanted) in cases {
            let error = parse(line.as_bytes()).unwrap_err();
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }
}
