//! One node: the protocol as a client sees it.

use std::io::{BufReader, Read, Write};
use std::thread;
use std::time::Duration;

use redis::{Commands, cmd};

use super::ringd::{Ringd, eventually};

#[test]
fn strings_and_keys() {
    let node = Ringd::alone(&[]);
    let mut client = node.client();
    assert_eq!(
        cmd("PING").query::<String>(&mut client),
        Ok("PONG".to_owned())
    );
    assert_eq!(client.set("a", "1"), Ok(()));
    assert_eq!(client.incr("a", 41), Ok(42));
    assert_eq!(client.mset(&[("b", "x"), ("c", "y")]), Ok(()));
    assert_eq!(
        client.mget(&["a", "b", "none", "c"]),
        Ok([Some("42"), Some("x"), None, Some("y")].map(|v| v.map(str::to_owned)))
    );
    assert_eq!(client.exists(&["a", "b", "none"]), Ok(2));
    assert_eq!(client.del(&["a", "b", "none"]), Ok(2));
    assert_eq!(client.get("a"), Ok(None::<String>));
    let error = cmd("NOSUCH")
        .query::<()>(&mut client)
        .expect_err("no such command");
    assert!(error.to_string().contains("unknown command"), "{error}");
}

#[test]
fn values_of_every_size() {
    let node = Ringd::alone(&[]);
    let mut client = node.client();
    for length in [0, 1, 100, 16_383, 16_384, 1 << 20, 64 << 20] {
        let value: Vec<u8> = (0..length).map(|i: usize| (i % 251) as u8).collect();
        assert_eq!(client.set("key", &value), Ok(()), "{length}");
        let back: Vec<u8> = client.get("key").expect("it is there");
        assert!(back == value, "{length} bytes came back as {}", back.len());
    }
}

#[test]
fn a_request_cut_at_every_byte() {
    let node = Ringd::alone(&[]);
    let request = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\nv\r\nv\r\nPING inline\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    let expected = b"+OK\r\n$6\r\ninline\r\n$4\r\nv\r\nv\r\n";
    let mut socket = node.socket();
    for cut in 1..request.len() {
        socket.write_all(&request[..cut]).expect("it reads");
        thread::sleep(Duration::from_millis(1));
        socket.write_all(&request[cut..]).expect("it reads");
        let mut reply = vec![0; expected.len()];
        socket.read_exact(&mut reply).expect("it answers");
        assert_eq!(reply, expected, "cut at {cut}");
    }
}

#[test]
fn pipelined_to_any_depth_in_order() {
    const COUNT: usize = 100_000;
    let node = Ringd::alone(&[]);
    let socket = node.socket();
    let mut writer = socket.try_clone().expect("a descriptor");
    let sender = thread::spawn(move || {
        let mut requests = Vec::new();
        for index in 0..COUNT {
            let text = index.to_string();
            write!(
                requests,
                "*2\r\n$4\r\nECHO\r\n${}\r\n{text}\r\n",
                text.len()
            )
            .expect("a Vec");
        }
        writer.write_all(&requests).expect("it reads");
    });
    let mut expected = Vec::new();
    for index in 0..COUNT {
        let text = index.to_string();
        write!(expected, "${}\r\n{text}\r\n", text.len()).expect("a Vec");
    }
    let mut replies = vec![0; expected.len()];
    BufReader::new(socket)
        .read_exact(&mut replies)
        .expect("it answers");
    sender.join().expect("sent");
    assert!(replies == expected);
}

#[test]
fn the_third_protocol_and_quit() {
    let node = Ringd::alone(&[]);
    let mut socket = node.socket();
    socket
        .write_all(b"HELLO 3\r\nGET none\r\nQUIT\r\nPING\r\n")
        .expect("it reads");
    let mut reply = Vec::new();
    socket
        .read_to_end(&mut reply)
        .expect("it closes after QUIT");
    let reply = String::from_utf8_lossy(&reply);
    assert!(
        reply.starts_with('%') && reply.ends_with("_\r\n+OK\r\n"),
        "{reply}"
    );
}

#[test]
fn more_clients_than_allowed_are_told() {
    let node = Ringd::alone(&["--client-connections", "2"]);
    let (mut first, mut second) = (node.client(), node.client());
    for client in [&mut first, &mut second] {
        assert_eq!(cmd("PING").query::<String>(client), Ok("PONG".to_owned()));
    }
    let mut reply = String::new();
    node.socket().read_to_string(&mut reply).expect("it closes");
    assert_eq!(reply, "-ERR max number of clients reached\r\n");
    assert_eq!(node.metric("client_refused_total"), 1.0);
}

#[test]
fn what_is_no_request_ends_with_an_error() {
    let node = Ringd::alone(&[]);
    let mut socket = node.socket();
    socket.write_all(b"PING\r\n*1\r\n+x\r\n").expect("it reads");
    let mut reply = String::new();
    socket.read_to_string(&mut reply).expect("it closes");
    assert_eq!(
        reply,
        "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n"
    );
    assert_eq!(node.metric("client_protocol_errors_total"), 1.0);
}

#[test]
fn a_client_that_does_not_read_hurts_itself_alone() {
    const COUNT: usize = 128;
    const LENGTH: usize = 1 << 20;
    let node = Ringd::alone(&["--client-output-buffer-limit", "1mb"]);
    let mut other = node.client();
    assert_eq!(other.set("big", vec![7_u8; LENGTH]), Ok(()));
    let mut greedy = node.socket();
    let requests = "GET big\r\n".repeat(COUNT);
    greedy.write_all(requests.as_bytes()).expect("it reads");
    eventually("its first replies are under way", || {
        node.metric("commands_total") > 1.0
    });
    for index in 0..1_000 {
        assert_eq!(other.set("small", index), Ok(()));
    }
    let resident = node.metric("process_resident_memory_bytes");
    assert!(resident < 64e6, "{resident} bytes for replies nobody reads");
    // Once it reads, nothing is missing.
    let reply_len = LENGTH + format!("${LENGTH}\r\n\r\n").len();
    let mut replies = vec![0; COUNT * reply_len];
    greedy.read_exact(&mut replies).expect("it answers");
    assert!(
        replies
            .chunks(reply_len)
            .all(|reply| reply == &replies[..reply_len])
    );
}
