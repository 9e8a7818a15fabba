//! One page from a node's admin listener.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Gets a page whole, within about `timeout`; an answer other than 200 is an error.
///
/// # Errors
/// The node does not answer in time, or not with 200.
pub(crate) fn get(address: SocketAddr, path: &str, timeout: Duration) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .map_err(|error| match error.kind() {
            // What a timeout is called here: "Resource temporarily unavailable".
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
    body(&answer).map(ToOwned::to_owned)
}

fn body(answer: &str) -> io::Result<&str> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| io::Error::other("not an HTTP answer"))?;
    let status = head.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") => Ok(body),
        _ => Err(io::Error::other(status.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_as_a_timeout() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = silent.local_addr().expect("it is bound");
        let error = get(address, "/", Duration::from_millis(10)).expect_err("no answer");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn only_a_whole_200_is_a_page() {
        assert_eq!(
            body("HTTP/1.1 200 OK\r\na: b\r\n\r\nok\n").expect("a page"),
            "ok\n"
        );
        for bad in ["HTTP/1.1 503 No\r\n\r\nx", "HTTP/1.1 200 OK\r\n", ""] {
            assert!(body(bad).is_err(), "{bad}");
        }
    }
}
