//! The requests, from the wire to the supervisor.
//!
//! Invariant: the last notice of this thread says why there are no more requests.

use std::fs::File;
use std::io::{self, BufReader};
use std::sync::mpsc::Sender;
use std::thread;

use devflow_protocol::frame::{self, FrameError};

use crate::REQUEST_BYTES;
use crate::supervisor::Notice;
use crate::wire::Request;

/// Starts the thread that reads requests.
pub(crate) fn listen(input: File, owner: Sender<Notice>) -> io::Result<()> {
    thread::Builder::new().name("requests".to_owned()).spawn(move || {
        let mut input = BufReader::with_capacity(64 << 10, input);
        loop {
            let notice = next(&mut input);
            let last = !matches!(notice, Notice::Request(_));
            if owner.send(notice).is_err() || last {
                return;
            }
        }
    })?;
    Ok(())
}

fn next(input: &mut BufReader<File>) -> Notice {
    match frame::read_line(input, REQUEST_BYTES) {
        Ok(Some(line)) => match serde_json::from_str::<Request>(&line) {
            Ok(request) => Notice::Request(request),
            Err(error) => Notice::Malformed(format!("a line that is not a request: {error}")),
        },
        // dwf may have died in the middle of a line.
        Ok(None) | Err(FrameError::Torn { .. } | FrameError::Io(_)) => Notice::InputEnded,
        Err(error) => Notice::Malformed(error.to_string()),
    }
}
