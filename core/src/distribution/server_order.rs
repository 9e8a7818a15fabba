//! The order in which twemproxy counts the servers of a pool, which decides what `modula` and
//! `ketama` give.
//!
//! Source: twemproxy's `server_pool` reading: a server without a name of its own is called
//! `host:port`, or `host` alone at memcached's port; servers are sorted by length of name, then by
//! its bytes.

use super::Claimant;

/// The port that is left out of a server's name: memcached's.
const SILENT_PORT: &str = ":11211";

/// What twemproxy calls the claimant.
pub(super) fn server_name(claimant: &Claimant) -> &str {
    let name = &claimant.name;
    name.strip_suffix(SILENT_PORT).unwrap_or(name)
}

/// The claimants in twemproxy's order, each with its index in the list.
pub(super) fn in_server_order(claimants: &[Claimant]) -> Vec<(&Claimant, u16)> {
    let mut order: Vec<_> = claimants.iter().zip(0_u16..).collect();
    order.sort_by_key(|(claimant, _)| {
        let name = server_name(claimant);
        (name.len(), name.as_bytes())
    });
    order
}
