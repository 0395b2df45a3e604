//! What a runner tells, without the secrets.

use std::collections::BTreeMap;

use devflow_runner::wire::{Data, End, Event, Stream as Which};

use super::{Hidden, Stream};

/// The output of one session's actions, each stream of each action by itself.
#[derive(Debug)]
pub struct Events {
    hidden: Hidden,
    streams: BTreeMap<(u32, bool), (Which, Stream)>,
}

impl Events {
    /// Of a session that begins.
    pub fn new(hidden: &Hidden) -> Self {
        Self { hidden: hidden.clone(), streams: BTreeMap::new() }
    }

    /// The same event as it may be shown; before an action's end, what was kept back of its output.
    pub fn pass(&mut self, event: Event) -> Vec<Event> {
        match event {
            Event::Output { id, stream: which, data } => {
                let key = (id, which == Which::Stderr);
                let hidden = &self.hidden;
                let (_, stream) = self.streams.entry(key).or_insert_with(|| (which, hidden.stream()));
                let bytes = match &data {
                    Data::Text(text) => stream.push(text.as_bytes()),
                    Data::Bytes(bytes) => stream.push(bytes),
                };
                output(id, which, bytes).into_iter().collect()
            }
            Event::Ended { id, end, step, cpu_ms, peak_kib } => {
                let mut out = Vec::new();
                for key in [(id, false), (id, true)] {
                    if let Some((which, mut stream)) = self.streams.remove(&key) {
                        out.extend(output(id, which, stream.end()));
                    }
                }
                let end = self.end(end);
                out.push(Event::Ended { id, end, step, cpu_ms, peak_kib });
                out
            }
            Event::Hello { .. } | Event::Unsure | Event::Elsewhere | Event::Started { .. } => vec![event],
        }
    }

    fn end(&self, end: End) -> End {
        match end {
            End::NotStarted { program, reason, missing } => End::NotStarted {
                program: self.hidden.text(&program),
                reason: self.hidden.text(&reason),
                missing,
            },
            other => other,
        }
    }
}

fn output(id: u32, stream: Which, bytes: Vec<u8>) -> Option<Event> {
    if bytes.is_empty() {
        return None;
    }
    let data = match String::from_utf8(bytes) {
        Ok(text) => Data::Text(text),
        Err(error) => Data::Bytes(error.into_bytes()),
    };
    Some(Event::Output { id, stream, data })
}
