//! Links between nodes: dialled, read, written, cut; nodes that die and come back.

use super::*;

/// Links between nodes.
impl Ring {
    pub(super) fn dial(&mut self, index: usize, peer: PeerId) {
        let other = self.node_of(peer);
        let now = self.now_at(index);
        if self.dead[other] {
            return self.nodes[index].handle_connect_failed(peer, now);
        }
        let near = self.nodes[index].handle_open(Role::PeerOut(peer), now);
        let end = |node, conn| End {
            node,
            conn,
            inbox: VecDeque::new(),
            over: false,
            closed: false,
            arrived: 0,
            breaks_after: usize::MAX,
            share: self.link_bytes_max,
            flips: None,
        };
        self.wires.push(Wire {
            ends: [end(index, near), end(other, None)],
        });
    }

    pub(super) fn wire_at(&self, node: usize, conn: ConnId) -> Option<(usize, usize)> {
        let is = |end: &End| end.node == node && end.conn == Some(conn) && !end.closed;
        (0..self.wires.len()).find_map(|wire| {
            let side = self.wires[wire].ends.iter().position(is)?;
            Some((wire, side))
        })
    }

    /// Accepts, reads and notices the ends of a node's links.
    pub(super) fn read_wires(&mut self, index: usize) -> bool {
        let mut moved = false;
        for wire in 0..self.wires.len() {
            for side in 0..2 {
                let end = &self.wires[wire].ends[side];
                if end.node != index || end.closed {
                    continue;
                }
                if end.conn.is_none() {
                    moved = true;
                    let now = self.now_at(index);
                    let conn = self.nodes[index].handle_open(Role::PeerIn, now);
                    self.wires[wire].ends[side].conn = conn;
                    if conn.is_none() {
                        self.close_end(wire, side);
                        continue;
                    }
                }
                moved |= self.read_end(wire, side);
            }
        }
        moved
    }

    fn read_end(&mut self, wire: usize, side: usize) -> bool {
        let mut moved = false;
        let node = self.wires[wire].ends[side].node;
        let now = self.now_at(node);
        loop {
            let len = self.wires[wire].ends[side].inbox.len();
            let len = self.piece_len(len);
            let end = &mut self.wires[wire].ends[side];
            let (Some(conn), false) = (end.conn, end.closed) else {
                return moved;
            };
            if !self.nodes[node].wants_read(conn) {
                return moved;
            }
            if len > 0 {
                let bytes: Vec<u8> = end.inbox.drain(..len).collect();
                self.nodes[node].handle_bytes(conn, &bytes, now);
                moved = true;
                if self.chopped.is_some() {
                    return moved;
                }
            } else if end.over {
                self.close_end(wire, side);
                return true;
            } else {
                return moved;
            }
        }
    }

    /// Carries bytes from a node's egress to the other end, as far as the link's share goes.
    pub(super) fn write_wire(&mut self, wire: usize, side: usize) -> bool {
        let [a, b] = &mut self.wires[wire].ends;
        let (near, far) = if side == 0 { (a, b) } else { (b, a) };
        let (Some(conn), false) = (near.conn, near.closed) else {
            return false;
        };
        far.share = far.share.min(self.link_bytes_max);
        let left = far.share.min(far.breaks_after - far.arrived);
        let mut bytes = sent(&mut self.nodes[near.node], conn, left);
        if bytes.is_empty() {
            return false;
        }
        if !self.nodes[near.node].wants_read(conn) {
            let now = self.now;
            self.nodes[near.node].handle_sent(conn, now);
        }
        far.flip(&mut bytes);
        far.arrived += bytes.len();
        if far.share != usize::MAX {
            far.share -= bytes.len();
        }
        if far.closed {
            return true;
        }
        far.inbox.extend(&bytes);
        if far.arrived == far.breaks_after {
            far.breaks_after = usize::MAX;
            self.break_wire(wire, false);
        }
        true
    }

    pub(super) fn close_end(&mut self, wire: usize, side: usize) {
        let [a, b] = &mut self.wires[wire].ends;
        let (near, far) = if side == 0 { (a, b) } else { (b, a) };
        near.closed = true;
        near.inbox.clear();
        far.over = true;
        let node = near.node;
        if let Some(conn) = near.conn {
            let now = self.now_at(node);
            self.nodes[node].handle_close(conn, now);
        }
    }

    /// Both ends learn that the link is gone; with `lossy` what was on its way is lost too.
    fn break_wire(&mut self, wire: usize, lossy: bool) {
        for end in &mut self.wires[wire].ends {
            end.over = true;
            if lossy {
                end.inbox.clear();
            }
        }
    }

    /// Breaks all links between two nodes, losing what is on its way.
    pub(in crate::node) fn break_links(&mut self, a: usize, b: usize) {
        for wire in 0..self.wires.len() {
            let nodes = [0, 1].map(|side| self.wires[wire].ends[side].node);
            if nodes == [a, b] || nodes == [b, a] {
                self.break_wire(wire, true);
            }
        }
    }

    /// Ends a process: its links close, its memory is gone.
    pub(in crate::node) fn kill(&mut self, index: usize) {
        self.dead[index] = true;
        self.frozen[index] = false;
        for wire in &mut self.wires {
            for side in 0..2 {
                if wire.ends[side].node == index {
                    wire.ends[side].closed = true;
                    wire.ends[side].inbox.clear();
                    wire.ends[1 - side].over = true;
                }
            }
        }
        for client in &mut self.clients {
            client.open &= client.node != index;
        }
    }

    /// A node's version clock forgets what it has seen.
    pub(in crate::node) fn restart_clock(&mut self, index: usize) {
        self.nodes[index].clock = crate::version::HybridClock::new(self.id(index));
    }

    /// Throws away all hints of all nodes: what was missed stays missed until a read finds it.
    pub(in crate::node) fn kill_hints(&mut self) {
        for node in &mut self.nodes {
            let limits = crate::handoff::Limits::default();
            node.handoff = crate::handoff::HintStore::new(limits, node.peers.len());
        }
    }

    /// Starts a node again, with an empty memory and a new first client.
    pub(in crate::node) fn restart(&mut self, index: usize) {
        self.kill(index);
        self.dead[index] = false;
        let config = NodeConfig {
            incarnation: self.now.mono.0,
            ..self.config.clone()
        };
        let now = self.now_at(index);
        self.nodes[index] = Node::new(config, topology(&self.places, index), now);
        let client = self.new_client(index);
        self.clients[index] = client;
    }
}
