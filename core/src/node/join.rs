//! Catching up after a start: a node that lost its memory must not vote on what it forgot.
//!
//! A write acknowledged by a majority may have this node's lost copy in that majority. So until it
//! has pulled its ranges from enough other replicas, the node is `Joining`: it takes writes and
//! refuses reads. Of N local replicas, a majority of floor(N/2)+1 took each acknowledged write;
//! without this node's copy floor(N/2) are sure to be left, so N − floor(N/2) of the other racks
//! must be pulled from to meet one of them. When so many replicas are joining that no majority
//! kept its memory, there is nothing left that could be waited for: the node pulls from those who
//! are there and goes on. They may be joining too: what they took since is as good as any.

use super::{Node, Notice, states};
use crate::dispatch::PeerState;
use crate::ids::{ConnId, PeerId};
use crate::time::{Mono, Now};
use crate::wire::{Header, Kind, Reader, WireError};

/// Bytes of entries in one page.
const PAGE_BYTES: usize = 256 * 1024;

/// How far the pull from one peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pull {
    Waiting,
    Running,
    /// All that it has is here, but it is catching up itself.
    Part,
    Done,
}

/// What a joining node knows of its catching up.
#[derive(Debug)]
pub(super) struct Join {
    pulls: Vec<Pull>,
    /// Numbers the pulls.
    serial: u64,
    /// By peer: its newest pull. Pages of one before come too late to end it.
    newest: Vec<u64>,
    /// Seen joining since this node began to: its memory was lost at the same time.
    forgot: Vec<bool>,
    started: Mono,
    entries: u64,
}

impl Join {
    pub(super) fn new(peer_count: usize, now: Now) -> Self {
        Self {
            pulls: vec![Pull::Waiting; peer_count],
            serial: 0,
            newest: vec![0; peer_count],
            forgot: vec![false; peer_count],
            started: now.mono,
            entries: 0,
        }
    }
}

impl Node {
    /// A peer's state changed: it may be pulled from now, or have forgotten what it gave.
    pub(super) fn join_peer_changed(&mut self, peer: PeerId, now: Now) {
        let state = self.states[peer.index()];
        let near = self.same_datacenter(peer);
        let Some(join) = &mut self.join else {
            return;
        };
        join.forgot[peer.index()] |= state == PeerState::Joining;
        if near && matches!(state, PeerState::Normal | PeerState::Joining) {
            join.pulls[peer.index()] = Pull::Running;
            join.serial += 1;
            join.newest[peer.index()] = join.serial;
            let serial = join.serial;
            self.pull(peer, serial, 0);
        }
        self.join_watch(now);
    }

    /// The link broke: what was pulled so far does not count, the next time starts over.
    pub(super) fn join_lost(&mut self, peer: PeerId, now: Now) {
        if let Some(join) = &mut self.join {
            if join.pulls[peer.index()] == Pull::Running {
                join.pulls[peer.index()] = Pull::Waiting;
            }
            self.join_watch(now);
        }
    }

    fn same_datacenter(&self, peer: PeerId) -> bool {
        self.topology.peer(peer).datacenter == self.topology.local_datacenter()
    }

    fn pull(&mut self, peer: PeerId, serial: u64, cursor: u64) {
        let mut header = Header::new(Kind::Pull);
        header.request_id = serial;
        self.send_frame(peer, header, &cursor.to_le_bytes());
    }

    /// A joining peer asks for the entries of its ranges after a cursor.
    pub(super) fn answer_pull(
        &mut self,
        id: ConnId,
        peer: PeerId,
        (header, body): (Header, &[u8]),
    ) -> Result<(), WireError> {
        let cursor = Reader(body).u64().ok_or(WireError::Body("pull"))?;
        let mut page = self.pool.take();
        page.extend_from_slice(&[0; 8]);
        let topology = &self.topology;
        let next = self
            .store
            .scan_states(cursor, PAGE_BYTES, &mut |key, state| {
                let owns = topology.replicas(key).iter().any(|it| it.peer == peer);
                if owns {
                    states::encode(key, Some(state), &mut page);
                }
            });
        page[..8].copy_from_slice(&next.to_le_bytes());
        let mut answer = Header::new(Kind::Page);
        answer.request_id = header.request_id;
        self.answer_frame(id, answer, &page);
        self.pool.give(page);
        Ok(())
    }

    /// Entries of this node's ranges, from a peer that kept them.
    pub(super) fn take_page(
        &mut self,
        peer: PeerId,
        (header, body): (Header, &[u8]),
        now: Now,
    ) -> Result<(), WireError> {
        let mut reader = Reader(body);
        let next = reader.u64().ok_or(WireError::Body("page"))?;
        let mut entries = 0;
        while !reader.0.is_empty() {
            let Some((key, state)) = states::read(&mut reader, self.store.seed())? else {
                continue;
            };
            self.clock.observe(state.version);
            self.store.apply_state(key, state, now.wall_ms);
            entries += 1;
        }
        self.counters.join_entries_total += entries;
        let Some(join) = &mut self.join else {
            return Ok(());
        };
        join.entries += entries;
        if join.newest[peer.index()] != header.request_id {
            return Ok(());
        }
        if next != 0 {
            self.pull(peer, header.request_id, next);
            return Ok(());
        }
        join.pulls[peer.index()] = match self.states[peer.index()] {
            PeerState::Joining => Pull::Part,
            _ => Pull::Done,
        };
        self.join_watch(now);
        Ok(())
    }

    /// Ends the catching up when enough is known.
    pub(super) fn join_watch(&mut self, now: Now) {
        let Some(join) = &self.join else {
            return;
        };
        if !self.caught_up(join, now) {
            return;
        }
        let entries = join.entries;
        self.join = None;
        self.states[self.local.index()] = PeerState::Normal;
        self.notices.push_back(Notice::Joined { entries });
        self.ping_all(now);
    }

    fn caught_up(&self, join: &Join, now: Now) -> bool {
        let datacenter =
            &self.topology.datacenters()[usize::from(self.topology.local_datacenter())];
        let own_rack = usize::from(self.topology.local_rack());
        let others = datacenter.racks.iter().enumerate();
        let others = others.filter(|(rack, _)| *rack != own_rack);
        let (mut pulled, mut forgetful, mut unsure) = (0, 1, 0);
        for (_, rack) in others {
            let pulls = || rack.peers.iter().map(|peer| join.pulls[peer.index()]);
            let done = pulls().all(|pull| pull == Pull::Done);
            let forgot = rack.peers.iter().any(|peer| join.forgot[peer.index()]);
            pulled += usize::from(done);
            forgetful += usize::from(forgot);
            unsure += usize::from(!done && !forgot);
        }
        let replica_count = datacenter.racks.len();
        let wanted = (replica_count - replica_count / 2).min(replica_count - 1);
        let majority_kept = forgetful <= (replica_count - 1) / 2;
        let waited = now.mono.since_ms(join.started) >= self.config.peer_timeout_ms;
        let all_pulled = !join.pulls.contains(&Pull::Running);
        pulled >= wanted || (!majority_kept && all_pulled && (unsure == 0 || waited))
    }
}
