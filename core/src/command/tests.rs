use super::*;
use crate::resp::{RequestParser, request};

/// What a command line is refused with, or the name of the row that takes it.
fn resolved(line: &str) -> String {
    let mut parser = RequestParser::new();
    let line = format!("{line}\r\n");
    parser.parse(line.as_bytes());
    outcome(&parser.request(line.as_bytes()))
}

fn outcome(request: &Request<'_>) -> String {
    match Command::resolve(request) {
        Ok(command) => command.name.to_owned(),
        Err(refusal) => {
            let mut out = Vec::new();
            refusal.write(request, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

fn key_positions(line: &str) -> Vec<usize> {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut frame = Vec::new();
    request::encode(words.iter().copied(), &mut frame);
    let mut parser = RequestParser::new();
    parser.parse(&frame);
    let command = Command::resolve(&parser.request(&frame)).expect("a known command");
    assert_eq!(
        command.first_key(words.len()),
        command.keys(words.len()).next(),
        "{line}"
    );
    command.keys(words.len()).collect()
}

#[test]
fn every_row_is_found_by_its_name_in_any_case() {
    let mut row = 0;
    while let Some(command) = COMMANDS.get(row) {
        let upper = command.name.to_ascii_uppercase();
        let mixed = format!("{}{}", &upper[..1], &command.name[1..]);
        for name in [command.name, &upper, &mixed] {
            let found = Command::lookup(name.as_bytes()).expect(name);
            assert_eq!(found.id, command.id);
        }
        row += 1 + usize::from(command.subcommand_count);
    }
}

#[test]
fn every_row_stands_at_its_id_and_makes_sense() {
    for (index, command) in COMMANDS.iter().enumerate() {
        let name = command.name;
        assert_eq!(command.id as usize, index, "{name}");
        assert_eq!(command.id.command().name, name);
        assert_eq!(name, name.to_ascii_lowercase());
        assert_ne!(command.arity, 0, "{name}");
        let has_keys = command.first_key > 0;
        assert_eq!(has_keys, command.scope == Scope::Key, "{name}");
        assert_eq!(has_keys, command.step > 0, "{name}");
        assert_eq!(
            command.kind == Kind::None,
            command.access != Access::Write,
            "{name}"
        );
        assert!(
            command.fragment.is_none() || command.last_key == -1,
            "{name}"
        );
        for subcommand in command.subcommands() {
            assert!(subcommand.name.starts_with(&format!("{name}|")), "{name}");
            assert_eq!(subcommand.subcommand_count, 0, "{name}");
        }
    }
}

#[test]
fn no_other_name_is_found() {
    for name in [
        "",
        "g",
        "ge",
        "gett",
        "get\0",
        "GET ",
        "client|id",
        "id",
        "incrbyfloat1",
        "incrbyfloa",
        "expiretimeexpire",
        "pexpiretimepexpiretime",
        "\u{e7}et",
        "[et",
        "{et",
        "@et",
        "g`t",
        "client|no-evict",
    ] {
        assert!(Command::lookup(name.as_bytes()).is_none(), "{name:?}");
    }
    // Bytes beside the letters, which a careless fold would take for letters.
    for row in COMMANDS {
        let name = row.name.as_bytes();
        for at in 0..name.len() {
            for flip in [0x20u8, 0x40, 0x80, 0x60, 0xa0] {
                let mut other = name.to_vec();
                other[at] ^= flip;
                let found = Command::lookup(&other).map(|found| found.id);
                let same = other.eq_ignore_ascii_case(name) && !row.name.contains('|');
                assert_eq!(found, same.then_some(row.id), "{}", other.escape_ascii());
            }
        }
    }
}

/// Request, and the row that takes it or the error; the texts are Redis 7.0.15's.
const RESOLVED: &[(&str, &str)] = &[
    ("GET k", "get"),
    ("gEt k", "get"),
    ("set k v", "set"),
    ("SET k v EX 10", "set"),
    ("PING", "ping"),
    ("QUIT now", "quit"),
    ("client id", "client|id"),
    ("CLIENT no-EVICT on", "client|no-evict"),
    ("COMMAND", "command"),
    ("command docs get", "command|docs"),
    ("OBJECT encoding k", "object|encoding"),
    ("MEMORY USAGE k SAMPLES 5", "memory|usage"),
    (
        "GET",
        "-ERR wrong number of arguments for 'get' command\r\n",
    ),
    (
        "gEt a b",
        "-ERR wrong number of arguments for 'get' command\r\n",
    ),
    (
        "set k",
        "-ERR wrong number of arguments for 'set' command\r\n",
    ),
    (
        "CLIENT",
        "-ERR wrong number of arguments for 'client' command\r\n",
    ),
    (
        "client getname x",
        "-ERR wrong number of arguments for 'client|getname' command\r\n",
    ),
    (
        "OBJECT ENCODING",
        "-ERR wrong number of arguments for 'object|encoding' command\r\n",
    ),
    (
        "CONFIG SET a",
        "-ERR wrong number of arguments for 'config|set' command\r\n",
    ),
    (
        "COMMAND COUNT x",
        "-ERR wrong number of arguments for 'command|count' command\r\n",
    ),
    (
        "CLIENT FOO",
        "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n",
    ),
    (
        "config nope",
        "-ERR unknown subcommand 'nope'. Try CONFIG HELP.\r\n",
    ),
    (
        "FOO a b",
        "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' \r\n",
    ),
    (
        "FOO",
        "-ERR unknown command 'FOO', with args beginning with: \r\n",
    ),
    (
        r#""" a"#,
        "-ERR unknown command '', with args beginning with: 'a' \r\n",
    ),
    (
        r#""A\r\nBC" "x\ny""#,
        "-ERR unknown command 'A  BC', with args beginning with: 'x y' \r\n",
    ),
    (
        r#""A\x00B" "x\x00y""#,
        "-ERR unknown command 'A', with args beginning with: 'x' \r\n",
    ),
];

#[test]
fn requests_are_taken_or_refused_as_redis_does() {
    for (line, wanted) in RESOLVED {
        assert_eq!(resolved(line), *wanted, "{line}");
    }
}

#[test]
fn long_unknown_commands_are_quoted_in_part() {
    let (name, a, b) = ("n".repeat(200), "a".repeat(100), "b".repeat(100));
    let quoted = format!("'{a}' '{}' ", &b[..25]);
    assert_eq!(
        resolved(&format!("{name} {a} {b}")),
        format!(
            "-ERR unknown command '{}', with args beginning with: {quoted}\r\n",
            &name[..128]
        )
    );
    let a = "a".repeat(126);
    assert_eq!(
        resolved(&format!("foo {a} {b}")),
        format!("-ERR unknown command 'foo', with args beginning with: '{a}' \r\n")
    );
    let a = "a".repeat(124);
    assert_eq!(
        resolved(&format!("foo {a} {b} c")),
        format!("-ERR unknown command 'foo', with args beginning with: '{a}' 'b' \r\n")
    );
}

#[test]
fn keys_without_their_values_are_refused_before_anybody_looks_for_them() {
    for line in ["MSET a 1 b", "MSETNX a 1 b", "MSET a 1 b 2 c"] {
        let name = line.split(' ').next().unwrap().to_lowercase();
        let wanted = format!("-ERR wrong number of arguments for '{name}' command\r\n");
        assert_eq!(resolved(line), wanted);
    }
}

#[test]
fn keys_are_where_the_rows_say() {
    let cases: &[(&str, &[usize])] = &[
        ("GET k", &[1]),
        ("SET k v EX 10", &[1]),
        ("MGET a b c", &[1, 2, 3]),
        ("MSET a 1 b 2", &[1, 3]),
        ("DEL a", &[1]),
        ("RENAME a b", &[1, 2]),
        ("OBJECT ENCODING k", &[2]),
        ("MEMORY USAGE k SAMPLES 5", &[2]),
        ("PING", &[]),
        ("PING text", &[]),
        ("SCAN 0", &[]),
    ];
    for (line, wanted) in cases {
        assert_eq!(key_positions(line), *wanted, "{line}");
    }
}
