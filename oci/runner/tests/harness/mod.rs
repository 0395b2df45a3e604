//! A real runner and its other side.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use devflow_runner::wire::{Choice, Data, End, Event, Request, Start, Step, Stream, VERSION};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// No test is about time; this only ends one that hangs.
pub(crate) const GUARD: Duration = Duration::from_secs(120);
pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_dwf-runner");

#[expect(clippy::disallowed_methods, reason = "the one place where tests start processes")]
pub(crate) fn program(name: &str) -> Command {
    Command::new(name)
}

/// An action's events, put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) choice: usize,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) end: End,
    pub(crate) step: usize,
    pub(crate) cpu_ms: u64,
    pub(crate) peak_kib: u64,
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    pub(crate) fn reason(&self) -> &str {
        match &self.end {
            End::NotStarted { reason, .. } => reason,
            end => panic!("{end:?}"),
        }
    }
}

#[derive(Default)]
struct Running {
    choice: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

pub(crate) struct Runner {
    child: Child,
    stdin: Option<ChildStdin>,
    events: Receiver<Event>,
    running: HashMap<u32, Running>,
    pub(crate) ended: HashMap<u32, Outcome>,
}

impl Runner {
    pub(crate) fn start() -> Self {
        Self::start_as(program(BIN))
    }

    pub(crate) fn start_as(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || {
            for line in lines {
                if sender.send(serde_json::from_str(&line.unwrap()).unwrap()).is_err() {
                    return;
                }
            }
        });
        let (stdin, running, ended) = (child.stdin.take(), HashMap::new(), HashMap::new());
        let mut runner = Self { child, stdin, events, running, ended };
        assert_eq!(runner.next(), Event::Hello { version: VERSION });
        runner
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    pub(crate) fn request(&mut self, request: &Request) {
        self.say(&(serde_json::to_string(request).unwrap() + "\n"));
    }

    pub(crate) fn run(&mut self, start: Start) -> Outcome {
        let id = start.id;
        self.begin(start);
        self.end_of(id)
    }

    pub(crate) fn begin(&mut self, start: Start) {
        self.request(&Request::Start(start));
    }

    pub(crate) fn cancel(&mut self, id: u32, grace_ms: u64) {
        self.request(&Request::Cancel { id, grace_ms });
    }

    pub(crate) fn next(&mut self) -> Event {
        let event = self.events.recv_timeout(GUARD).unwrap();
        match event.clone() {
            Event::Hello { .. } | Event::Unsure | Event::Elsewhere => {}
            Event::Started { id, choice } => {
                assert!(self.running.insert(id, Running { choice, ..Running::default() }).is_none());
            }
            Event::Output { id, stream, data } => {
                let running = self.running.get_mut(&id).unwrap();
                let bytes = match data {
                    Data::Text(text) => text.into_bytes(),
                    Data::Bytes(bytes) => bytes,
                };
                assert!((1..=64 << 10).contains(&bytes.len()), "{}", bytes.len());
                match stream {
                    Stream::Stdout => running.stdout.extend(bytes),
                    Stream::Stderr => running.stderr.extend(bytes),
                }
            }
            Event::Ended { id, end, step, cpu_ms, peak_kib } => {
                let Running { choice, stdout, stderr } = self.running.remove(&id).unwrap();
                let outcome = Outcome { choice, stdout, stderr, end, step, cpu_ms, peak_kib };
                self.ended.insert(id, outcome);
            }
        }
        event
    }

    pub(crate) fn end_of(&mut self, id: u32) -> Outcome {
        while !self.ended.contains_key(&id) {
            self.next();
        }
        self.ended[&id].clone()
    }

    /// Waits until an action has written a whole line, and takes it.
    pub(crate) fn line_of(&mut self, id: u32) -> String {
        loop {
            if let Some(running) = self.running.get_mut(&id)
                && let Some(at) = running.stdout.iter().position(|byte| *byte == b'\n')
            {
                let line: Vec<u8> = running.stdout.drain(..=at).collect();
                return String::from_utf8(line).unwrap().trim().to_owned();
            }
            assert!(!self.ended.contains_key(&id), "{:?}", self.ended[&id]);
            self.next();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Stops listening, as a dwf that died.
    pub(crate) fn hang_up(&mut self) {
        self.events = channel().1;
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + GUARD;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the runner does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn finish(mut self) {
        self.close();
        assert_eq!(self.wait().code(), Some(0));
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn step(program: &str, args: &[&str]) -> Step {
    Step { program: program.to_owned(), args: args.iter().map(|text| (*text).to_owned()).collect() }
}

pub(crate) fn shell(script: &str) -> Step {
    step("/bin/sh", &["-c", script])
}

pub(crate) fn choice(cwd: &Path, steps: Vec<Step>) -> Choice {
    Choice { when: None, steps, cwd: cwd.display().to_string(), env: BTreeMap::new(), path: Vec::new() }
}

pub(crate) fn action(id: u32, choices: Vec<Choice>) -> Start {
    Start { id, choices, timeout_ms: None, grace_ms: 60_000, secrets: Vec::new() }
}

/// One choice with shell scripts as its steps.
pub(crate) fn scripts(id: u32, scripts: &[&str]) -> Start {
    action(id, vec![choice(Path::new("/"), scripts.iter().map(|script| shell(script)).collect())])
}

pub(crate) fn script(id: u32, text: &str) -> Start {
    scripts(id, &[text])
}

/// The number behind a name in /proc/PID/status.
pub(crate) fn status(pid: Pid, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

pub(crate) fn alive(pid: Pid) -> bool {
    // A zombie that nobody has reaped yet is not alive.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), Some('Z' | 'X'))
    })
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + GUARD;
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn pid(text: &str) -> Pid {
    Pid::from_raw(text.trim().parse().unwrap())
}
