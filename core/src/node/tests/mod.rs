//! Nodes joined by buffers: real bytes, no sockets, time by hand. One file per area.

mod chaos;
mod clients;
mod commands;
mod datacenters;
mod harness;
mod hints;
mod join;
mod keys;
mod links;
mod repair;
mod ring;

use super::{Node, NodeConfig, Notice};
use crate::consistency::Consistency;
use crate::dispatch::PeerState;
pub(super) use harness::Ring;
