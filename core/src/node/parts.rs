//! Commands over keys with different replicas: split by replica set, planned part by part, put
//! together by the fragment coalescer (S6).

use super::Node;
use super::connections::Client;
use super::fanout::Again;
use crate::coalesce::{FragmentCoalescer, PartId as FragmentPart};
use crate::command::{Command, Fragment};
use crate::dispatch::Split;
use crate::flight::{FlightId, Owner, PartId};
use crate::resp::{ArgRange, Parsed, Protocol, Request, request};
use crate::time::{Mono, Now};

/// A command whose parts are under way.
#[derive(Debug)]
struct SplitCommand {
    owner: Owner,
    command: &'static Command,
    protocol: Protocol,
    deadline: Mono,
    coalescer: FragmentCoalescer,
    /// Its parts are still being launched: a complete one is answered after that.
    launching: bool,
}

/// A request whose replicas differ in some of its keys.
#[derive(Clone, Copy, Debug)]
struct Divided {
    owner: Owner,
    command: &'static Command,
    fragment: Fragment,
    protocol: Protocol,
    deadline: Mono,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    split: Option<SplitCommand>,
}

/// The split commands of a node.
#[derive(Debug, Default)]
pub(super) struct Splits {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Splits {
    /// Commands under way.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn insert(&mut self, split: SplitCommand) -> (u32, u32) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.split = Some(split);
        (index, slot.generation)
    }

    fn get(&mut self, (index, generation): (u32, u32)) -> Option<&mut SplitCommand> {
        let slot = self.slots.get_mut(index as usize)?;
        slot.split
            .as_mut()
            .filter(|_| slot.generation == generation)
    }

    fn remove(&mut self, (index, generation): (u32, u32)) -> Option<SplitCommand> {
        let slot = self.slots.get_mut(index as usize)?;
        if slot.generation != generation {
            return None;
        }
        let split = slot.split.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        Some(split)
    }
}

impl Node {
    /// How a request's keys fall apart; `None` when they all go the same way.
    pub(super) fn split_of(&self, command: &Command, request: Request<'_>) -> Option<Split> {
        let positions = command.keys(request.len());
        let keys = positions.map(|position| request.arg(position));
        Split::of(keys, command.access, &self.topology, &self.rules)
    }

    /// Sends a client's command part by part.
    pub(super) fn split(
        &mut self,
        client: &mut Client,
        (command, fragment): (&'static Command, Fragment),
        (request, split): (Request<'_>, Split),
        now: Now,
    ) {
        self.counters.fragments_total += 1;
        let owner = Owner::Client {
            conn: client.id,
            slot: client.next_slot(),
        };
        let coalescer = FragmentCoalescer::new(fragment, split);
        let parts: Vec<FragmentPart> = coalescer.open_parts().collect();
        let id = self.splits.insert(SplitCommand {
            owner,
            command,
            protocol: client.protocol,
            deadline: client.received.plus_ms(self.config.request_timeout_ms),
            coalescer,
            launching: true,
        });
        for part in parts {
            let bytes = self.part_request(id, part, request);
            self.launch_part(id, part, &bytes, now);
            self.pool.give(bytes);
        }
        let Some(split) = self.splits.get(id) else {
            return;
        };
        split.launching = false;
        if !split.coalescer.is_complete() {
            return client.reserve();
        }
        if let Some(split) = self.splits.remove(id) {
            client.reply(&mut self.pool, |out| split.coalescer.write(out));
            split.coalescer.release(&mut self.pool);
        }
    }

    /// The command with only a part's keys, and their values where they have some.
    fn part_request(&mut self, id: (u32, u32), part: FragmentPart, whole: Request<'_>) -> Vec<u8> {
        let mut bytes = self.pool.take();
        if let Some(split) = self.splits.get(id) {
            let command = split.command;
            let step = usize::from(command.step);
            let first = usize::from(command.first_key);
            let positions = split.coalescer.positions(part).iter();
            let args = positions.flat_map(|position| {
                let key = first + *position as usize * step;
                (key..key + step).map(|at| whole.arg(at))
            });
            let args: Vec<&[u8]> = std::iter::once(command.name.as_bytes())
                .chain(args)
                .collect();
            request::encode(args, &mut bytes);
        }
        bytes
    }

    fn launch_part(&mut self, id: (u32, u32), part: FragmentPart, bytes: &[u8], now: Now) {
        let Some(split) = self.splits.get(id) else {
            return;
        };
        let again = Again {
            owner: Owner::Part(PartId {
                split: id.0,
                generation: id.1,
                part: part.0,
            }),
            command: split.command,
            protocol: split.protocol,
            restamps: 0,
            counted: None,
            deadline: split.deadline,
        };
        self.relaunch(bytes, again, now);
    }

    /// A part has its reply; the last one completes the command.
    pub(super) fn part_answered(&mut self, part: PartId, reply: &[u8], now: Now) {
        let id = (part.split, part.generation);
        let Some(split) = self.splits.get(id) else {
            return;
        };
        let complete = split
            .coalescer
            .part(FragmentPart(part.part), reply, &mut self.pool);
        if !complete || split.launching {
            return;
        }
        if let Some(split) = self.splits.remove(id) {
            let mut out = self.pool.take();
            split.coalescer.write(&mut out);
            split.coalescer.release(&mut self.pool);
            self.tell(split.owner, &out, now);
            self.pool.give(out);
        }
    }

    /// A read of several keys whose replicas differ is asked again, each key alone: only then is
    /// there a newest version to win. `false` when the flight has one key, or nobody waits.
    pub(super) fn ask_each_key(&mut self, id: FlightId, now: Now) -> bool {
        let Some(flight) = self.flights.get(id) else {
            return false;
        };
        let Some(fragment) = flight.command.fragment else {
            return false;
        };
        let owner = std::mem::replace(&mut flight.owner, Owner::Nobody);
        let asked = Divided {
            owner,
            command: flight.command,
            fragment,
            protocol: flight.protocol,
            deadline: flight.deadline,
        };
        let command = flight.command;
        let bytes = self.pool.copy(&flight.request);
        let mut parser = std::mem::take(&mut self.parser);
        let ranges: Vec<ArgRange> = match parser.parse(&bytes) {
            Parsed::Request { .. } => {
                let args = parser.args();
                command.keys(args.len()).map(|at| args[at]).collect()
            }
            _ => Vec::new(),
        };
        self.parser = parser;
        let keys = ranges
            .iter()
            .map(|range| &bytes[range.start as usize..range.end as usize]);
        let keys: Vec<&[u8]> = keys.collect();
        let divided = keys.len() > 1 && owner != Owner::Nobody;
        if divided {
            self.counters.fragments_divided_total += 1;
            self.ask_keys(asked, &keys, now);
        } else if let Some(flight) = self.flights.get(id) {
            flight.owner = owner;
        }
        self.pool.give(bytes);
        divided
    }

    fn ask_keys(&mut self, divided: Divided, keys: &[&[u8]], now: Now) {
        let command = divided.command;
        let (id, first) = match divided.owner {
            Owner::Part(part) => {
                let id = (part.split, part.generation);
                let Some(split) = self.splits.get(id) else {
                    return;
                };
                (id, split.coalescer.divide(FragmentPart(part.part)).start)
            }
            Owner::Client { .. } | Owner::Nobody => {
                let parts: Vec<u32> = (0..keys.len() as u32).collect();
                let split = Split::by_part(&parts, parts.len());
                let id = self.splits.insert(SplitCommand {
                    owner: divided.owner,
                    command,
                    protocol: divided.protocol,
                    deadline: divided.deadline,
                    coalescer: FragmentCoalescer::new(divided.fragment, split),
                    launching: false,
                });
                (id, 0)
            }
        };
        for (part, key) in (first..).zip(keys) {
            let mut bytes = self.pool.take();
            request::encode([command.name.as_bytes(), key], &mut bytes);
            self.launch_part(id, FragmentPart(part), &bytes, now);
            self.pool.give(bytes);
        }
    }
}
