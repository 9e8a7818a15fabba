//! What happened to the ring, made of the events and of what the nodes told of themselves.

use serde::{Deserialize, Serialize};

use crate::cluster::{Place, Sample, View};

/// What is done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deed {
    /// SIGSTOP: it answers nothing, its connections stay.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// SIGKILL: what it held is gone.
    Kill,
    /// Started again, with empty memory.
    Restart,
}

impl Deed {
    /// As the load's live line and the plots say it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Thaw => "let go",
            Self::Kill => "kill",
            Self::Restart => "restart",
        }
    }

    fn hurts(self) -> bool {
        matches!(self, Self::Freeze | Self::Kill)
    }
}

/// One deed, done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Seconds since the load began.
    pub(crate) t_s: f64,
    /// What was done.
    pub(crate) deed: Deed,
    /// Index of the node it was done to.
    pub(crate) node: usize,
}

/// A node saw a peer change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transition {
    /// Seconds since the load began, as sampled.
    pub(crate) t_s: f64,
    /// Who saw it.
    pub(crate) observer: usize,
    /// Whom it saw.
    pub(crate) peer: usize,
    /// The state before.
    pub(crate) from: String,
    /// The state after.
    pub(crate) to: String,
}

/// One time a node was away, and what came of it. Times are as sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Absence {
    /// The node.
    pub(crate) node: usize,
    /// What was done to it.
    pub(crate) deed: Deed,
    /// When, in seconds since the load began.
    pub(crate) from_s: f64,
    /// When it was let go or started again.
    pub(crate) until_s: Option<f64>,
    /// Seconds until each of the others saw it down, by the slowest of them.
    pub(crate) detected_after_s: Option<f64>,
    /// Seconds from its return until all saw it normal again.
    pub(crate) normal_after_s: Option<f64>,
    /// Most hints kept for it at a time, over all nodes.
    pub(crate) hints_max: u64,
    /// Seconds from its return until no hint for it was left.
    pub(crate) drained_after_s: Option<f64>,
}

/// How many hints a node kept for the others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HintsPoint {
    /// Seconds since the load began.
    pub(crate) t_s: f64,
    /// Who kept them.
    pub(crate) holder: usize,
    /// For whom.
    pub(crate) peer: usize,
    /// How many.
    pub(crate) stored: u64,
    /// How many it had delivered since its start.
    pub(crate) delivered: u64,
}

/// What the watch saw, with times from the load's begin.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// The nodes.
    pub(crate) places: &'a [Place],
    /// In order of time.
    pub(crate) samples: &'a [Sample],
    /// When the load began, ms since 1970.
    pub(crate) began_unix_ms: u64,
}

impl Seen<'_> {
    fn t_s(&self, sample: &Sample) -> f64 {
        (sample.unix_ms as f64 - self.began_unix_ms as f64) / 1e3
    }

    /// The index of a peer by its name in the ring.
    fn index(&self, name: &str) -> Option<usize> {
        let names = |place: &Place| place.peer.to_string() == name;
        self.places.iter().position(names)
    }

    /// What each sample tells of each remote peer: time, who tells, of whom, what.
    fn sightings(&self) -> impl Iterator<Item = (f64, usize, usize, &crate::cluster::PeerView)> {
        self.samples.iter().flat_map(move |sample| {
            let peers = sample.view.iter().flat_map(|view: &View| &view.peers);
            peers.filter(|peer| !peer.local).filter_map(move |peer| {
                let index = self.index(&peer.name)?;
                Some((self.t_s(sample), sample.node, index, peer))
            })
        })
    }

    /// Every change of a peer's state, as each node saw it.
    pub(crate) fn transitions(&self) -> Vec<Transition> {
        let count = self.places.len();
        let mut known: Vec<Option<String>> = vec![None; count * count];
        let mut transitions = Vec::new();
        for (t_s, observer, peer, view) in self.sightings() {
            let known = &mut known[observer * count + peer];
            match known.replace(view.state.clone()) {
                Some(from) if from != view.state => transitions.push(Transition {
                    t_s,
                    observer,
                    peer,
                    from,
                    to: view.state.clone(),
                }),
                _ => {}
            }
        }
        transitions
    }

    /// Hints over time.
    pub(crate) fn hints(&self) -> Vec<HintsPoint> {
        self.sightings()
            .map(|(t_s, holder, peer, view)| HintsPoint {
                t_s,
                holder,
                peer,
                stored: view.hints_stored,
                delivered: view.hints_delivered_total,
            })
            .collect()
    }

    /// Each absence with what came of it.
    pub(crate) fn absences(&self, events: &[Event]) -> Vec<Absence> {
        let hurt = events.iter().filter(|event| event.deed.hurts());
        hurt.map(|event| self.absence(event, events)).collect()
    }

    fn absence(&self, event: &Event, events: &[Event]) -> Absence {
        let back = events
            .iter()
            .find(|other| other.node == event.node && !other.deed.hurts() && other.t_s > event.t_s);
        let until_s = back.map(|back| back.t_s);
        // What another absence does to the observer is not this one's matter.
        let others_hurt = |node: usize| {
            events
                .iter()
                .any(|other| other.node == node && other.deed.hurts())
        };
        let witnesses: Vec<usize> = (0..self.places.len())
            .filter(|node| *node != event.node && !others_hurt(*node))
            .collect();
        let first = |from: f64, holds: &dyn Fn(&str) -> bool| {
            let mut latest: f64 = 0.0;
            for witness in &witnesses {
                let mut seen = self.sightings();
                let (t_s, ..) = seen.find(|(t_s, observer, peer, view)| {
                    *t_s > from && observer == witness && *peer == event.node && holds(&view.state)
                })?;
                latest = latest.max(t_s - from);
            }
            Some(latest)
        };
        let detected_after_s = first(event.t_s, &|state| state == "down");
        let normal_after_s = until_s.and_then(|until| first(until, &|state| state == "normal"));
        let (hints_max, drained_after_s) = self.drained(event, until_s);
        Absence {
            node: event.node,
            deed: event.deed,
            from_s: event.t_s,
            until_s,
            detected_after_s,
            normal_after_s,
            hints_max,
            drained_after_s,
        }
    }

    /// The most hints kept for the event's node, and when after its return the last was gone.
    fn drained(&self, event: &Event, until_s: Option<f64>) -> (u64, Option<f64>) {
        let mut kept = vec![0; self.places.len()];
        let (mut most, mut gone) = (0, None);
        for (t_s, holder, peer, view) in self.sightings() {
            if peer != event.node || t_s < event.t_s {
                continue;
            }
            kept[holder] = view.hints_stored;
            let sum: u64 = kept.iter().sum();
            most = most.max(sum);
            match until_s {
                Some(until) if t_s > until => {
                    if sum > 0 {
                        gone = None;
                    } else {
                        gone = gone.or(Some(t_s - until));
                    }
                }
                _ => {}
            }
        }
        (most, gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::PeerView;

    fn places() -> Vec<Place> {
        let address = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        (1..=3)
            .map(|number| Place {
                name: format!("n{number}"),
                rack: format!("rack{number}"),
                client: address(number),
                peer: address(100 + number),
                admin: address(200 + number),
            })
            .collect()
    }

    /// n1 tells of n2's state and of the hints it keeps for it.
    fn sample(t_ms: u64, state: &str, hints_stored: u64) -> Sample {
        let peer = PeerView {
            name: "127.0.0.1:102".into(),
            state: state.into(),
            hints_stored,
            ..PeerView::default()
        };
        let view = View {
            state: "normal".into(),
            peers: vec![peer],
            ..View::default()
        };
        Sample {
            unix_ms: 1_000_000 + t_ms,
            node: 0,
            view: Some(view),
        }
    }

    #[test]
    fn an_absence_is_told_from_samples() {
        let samples = [
            sample(0, "normal", 0),
            sample(2_000, "normal", 0),
            sample(3_500, "down", 10),
            sample(5_000, "down", 70),
            sample(6_500, "normal", 20),
            sample(7_000, "normal", 0),
            sample(8_000, "normal", 0),
        ];
        let places = places();
        let seen = Seen {
            places: &places,
            samples: &samples,
            began_unix_ms: 1_000_000,
        };
        let event = |t_s, deed, node| Event { t_s, deed, node };
        let events = [
            event(1.5, Deed::Freeze, 1),
            event(6.0, Deed::Thaw, 1),
            event(6.0, Deed::Kill, 2),
        ];
        let absences = seen.absences(&events);
        assert_eq!(absences.len(), 2);
        let frozen = &absences[0];
        assert_eq!(frozen.detected_after_s, Some(2.0));
        assert_eq!(frozen.normal_after_s, Some(0.5));
        assert_eq!(frozen.hints_max, 70);
        assert_eq!(frozen.drained_after_s, Some(1.0));
        let killed = &absences[1];
        assert_eq!((killed.until_s, killed.detected_after_s), (None, None));
        let states: Vec<_> = seen.transitions().into_iter().map(|t| t.to).collect();
        assert_eq!(states, ["down", "normal"]);
        assert_eq!(seen.hints().len(), samples.len());
    }
}
