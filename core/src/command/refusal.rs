//! Requests that no command takes, in Redis' words.

use super::CommandId;
use crate::resp::{Request, reply};

/// Bytes of a refused request that its error quotes.
const QUOTED_LEN_MAX: usize = 128;

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No command has this name.
    Unknown,
    /// The command has subcommands, but none of this name.
    UnknownSubcommand(CommandId),
    /// The command takes another number of arguments.
    Arity(CommandId),
}

impl Refusal {
    /// Writes the error reply.
    pub fn write(self, request: &Request<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Unknown => unknown(request, out),
            Self::UnknownSubcommand(id) => unknown_subcommand(id.command().name, request, out),
            Self::Arity(id) => wrong_arity(id.command().name, out),
        }
    }
}

fn wrong_arity(name: &str, out: &mut Vec<u8>) {
    reply::error(
        out,
        &format!("ERR wrong number of arguments for '{name}' command"),
    );
}

fn unknown_subcommand(container: &str, request: &Request<'_>, out: &mut Vec<u8>) {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(quoted(request.arg(1), QUOTED_LEN_MAX));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.to_ascii_uppercase().as_bytes());
    text.extend_from_slice(b" HELP.");
    reply::error_bytes(out, &text);
}

fn unknown(request: &Request<'_>, out: &mut Vec<u8>) {
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(quoted(request.arg(0), QUOTED_LEN_MAX));
    text.extend_from_slice(b"', with args beginning with: ");
    let args_start = text.len();
    for arg in request.iter().skip(1) {
        let used = text.len() - args_start;
        if used >= QUOTED_LEN_MAX {
            break;
        }
        text.push(b'\'');
        text.extend_from_slice(quoted(arg, QUOTED_LEN_MAX - used));
        text.extend_from_slice(b"' ");
    }
    reply::error_bytes(out, &text);
}

/// The start of a text as C's `%.*s` prints it: up to a zero byte.
fn quoted(bytes: &[u8], len_max: usize) -> &[u8] {
    let bytes = &bytes[..bytes.len().min(len_max)];
    let end = bytes.iter().position(|&byte| byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}
