mod frames;
mod replies;
mod requests;

/// `\r`, `\n`, `\xNN` and friends of a table's text, as bytes.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.bytes();
    while let Some(byte) = chars.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match chars.next().expect("an escaped character") {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'x' => {
                let digits =
                    [chars.next(), chars.next()].map(|digit| digit.expect("two hex digits"));
                let digits = std::str::from_utf8(&digits).expect("ASCII");
                out.push(u8::from_str_radix(digits, 16).expect("hex digits"));
            }
            other => out.push(other),
        }
    }
    out
}
