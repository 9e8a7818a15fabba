//! What Redis's MONITOR prints: `1339518083.107412 [0 127.0.0.1:60866] "set" "k" "v"`.
//!
//! Commands that change what a connection is (AUTH, SELECT, MULTI, SUBSCRIBE, …) or that block are
//! left out: clients share connections here. So are those that scripts ran.

use crate::trace::Verb;
use crate::trace::convert::Line;
use crate::trace::csv::seconds;

const LEFT_OUT: [&str; 27] = [
    "AUTH",
    "HELLO",
    "SELECT",
    "CLIENT",
    "QUIT",
    "RESET",
    "MONITOR",
    "SYNC",
    "PSYNC",
    "REPLCONF",
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SSUBSCRIBE",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "SUNSUBSCRIBE",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "BLPOP",
    "BRPOP",
    "BLMOVE",
    "BZPOPMIN",
    "BZPOPMAX",
    "SHUTDOWN",
];

/// Reads one line; none if it is left out.
pub(crate) fn parse(line: &[u8]) -> Result<Option<Line>, String> {
    if line == b"OK" {
        return Ok(None);
    }
    let wanted = || "not as MONITOR prints: TIME [DB CLIENT] \"COMMAND\" \"WORD\" …".to_owned();
    let space = line
        .iter()
        .position(|&byte| byte == b' ')
        .ok_or_else(wanted)?;
    let (time, rest) = (&line[..space], &line[space + 1..]);
    let time = std::str::from_utf8(time).map_err(|_| wanted())?;
    let close = rest
        .iter()
        .position(|&byte| byte == b']')
        .ok_or_else(wanted)?;
    let who = std::str::from_utf8(&rest[..close]).map_err(|_| wanted())?;
    let who = who.strip_prefix('[').ok_or_else(wanted)?;
    let (_, client) = who.split_once(' ').ok_or_else(wanted)?;
    let words = words(&rest[close + 1..])?;
    let name = words.first().ok_or_else(wanted)?;
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let time_ns = seconds(time)?;
    if client == "lua" || LEFT_OUT.contains(&name.as_str()) {
        return Ok(None);
    }
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in &words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    Ok(Some(Line {
        time_ns,
        whole_seconds: false,
        client: client.to_owned(),
        name,
        verb: Verb::Raw,
        value_size: 0,
        ttl: 0,
        bytes,
    }))
}

/// Quoted words with \n, \r, \t, \a, \b, \", \\ and \xHH in them.
fn words(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut bytes = text.iter().copied();
    let cut = || "a quoted word that does not end".to_owned();
    loop {
        match bytes.next() {
            None => return Ok(words),
            Some(b' ') => continue,
            Some(b'"') => {}
            Some(_) => return Err("a word without quotes".to_owned()),
        }
        let mut word = Vec::new();
        loop {
            match bytes.next().ok_or_else(cut)? {
                b'"' => break,
                b'\\' => word.push(match bytes.next().ok_or_else(cut)? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    b'x' => {
                        let mut digit = || {
                            let digit = bytes.next().ok_or_else(cut)?;
                            let value = char::from(digit).to_digit(16);
                            value.ok_or_else(|| "\\x without two digits".to_owned())
                        };
                        // Two digits of base 16.
                        (16 * digit()? + digit()?) as u8
                    }
                    other => other,
                }),
                byte => word.push(byte),
            }
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_monitor() {
        let line = parse(br#"1339518083.107412 [0 127.0.0.1:60866] "set" "k\"1" "a\x00\n""#);
        let line = line.unwrap().unwrap();
        assert_eq!(line.time_ns, 1_339_518_083_107_412_000);
        assert_eq!(
            (line.client.as_str(), line.name.as_str()),
            ("127.0.0.1:60866", "SET")
        );
        assert_eq!(
            line.bytes,
            b"*3\r\n$3\r\nset\r\n$3\r\nk\"1\r\n$3\r\na\0\n\r\n"
        );
        let left_out: [&[u8]; 3] = [
            b"OK",
            br#"1.0 [0 lua] "get" "k""#,
            br#"1.0 [0 [::1]:5] "MULTI""#,
        ];
        for line in &left_out[..2] {
            assert_eq!(parse(line).unwrap().map(|line| line.name), None);
        }
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        let cases: [(&[u8], &str); 5] = [
            (b"hello", "not as MONITOR prints"),
            (br#"1.0 127.0.0.1 "get""#, "not as MONITOR prints"),
            (br#"1.0 [0 a:1] "get"#, "does not end"),
            (br#"1.0 [0 a:1] get"#, "without quotes"),
            (br#"1.0 [0 a:1] "\x0g""#, "two digits"),
        ];
        for (line, wanted) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(wanted), "{line:?}: {error}");
        }
    }
}
