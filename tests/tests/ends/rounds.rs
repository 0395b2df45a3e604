//! Rounds: a run is started, a signal is sent at its moment, and then nothing may be left.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use devflow_tests::{Engine, Run, Sandbox, Started};
use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use nix::sys::signal::{kill, killpg};
use nix::unistd::Pid;

use crate::left::{left, works};

/// How long something may take that only has to happen at all.
const BOUND: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(10);

/// Where a run is when the signal comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// dwf reads its command line and its files.
    Parse,
    /// An extension does not answer `initialize`.
    Initialize,
    /// An extension does not answer a request.
    Request,
    /// A registry does not answer.
    Pull,
    /// A step of a build goes on.
    Build,
    /// Somewhere between the first line of dwf and the action.
    Create,
    /// An action runs.
    Running,
    /// An action runs that ignores SIGTERM, as its children do.
    Stubborn,
    /// An action runs that exits with 0 when it is asked to end.
    Polite,
    /// The last action has ended, or is about to.
    Teardown,
}

const PHASES: [Phase; 10] = [
    Phase::Parse,
    Phase::Initialize,
    Phase::Request,
    Phase::Pull,
    Phase::Build,
    Phase::Create,
    Phase::Running,
    Phase::Stubborn,
    Phase::Polite,
    Phase::Teardown,
];

/// What is sent: signals, one after the other, to dwf or to its whole group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Blow {
    name: &'static str,
    signals: &'static [Signal],
    group: bool,
}

const BLOWS: [Blow; 9] = [
    Blow { name: "INT", signals: &[SIGINT], group: false },
    Blow { name: "KILL", signals: &[SIGKILL], group: false },
    Blow { name: "TERM", signals: &[SIGTERM], group: false },
    Blow { name: "KILL group", signals: &[SIGKILL], group: true },
    Blow { name: "HUP", signals: &[SIGHUP], group: false },
    Blow { name: "INT group", signals: &[SIGINT], group: true },
    Blow { name: "QUIT", signals: &[SIGQUIT], group: false },
    Blow { name: "INT INT", signals: &[SIGINT, SIGINT], group: false },
    Blow { name: "INT INT INT", signals: &[SIGINT, SIGINT, SIGINT], group: false },
];

impl Blow {
    fn code(self) -> i32 {
        128 + self.signals[0] as i32
    }

    /// Whether dwf itself could remove everything before it left.
    fn is_orderly(self) -> bool {
        self.signals[0] != SIGKILL && self.signals.len() < 3
    }
}

/// A generator whose numbers can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn delay(&mut self, least: Duration, most: Duration) -> Duration {
        let range = u64::try_from((most - least).as_micros()).unwrap_or(1);
        least + Duration::from_micros(self.below(range))
    }
}

#[expect(clippy::disallowed_methods, reason = "how long the test takes is its caller's to say")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// One engine's part.
struct Place {
    sandbox: Sandbox,
    /// What every process that an action, a build or an extension starts can be told by.
    token: String,
    /// Accepts, and never answers.
    registry: TcpListener,
}

const IMAGE: &str = "docker.io/library/debian:bookworm-slim";

impl Place {
    fn new(engine: Engine) -> Self {
        let sandbox = Sandbox::new(engine);
        let token = format!("9{}{}", std::process::id(), engine as u8);
        let registry = TcpListener::bind("127.0.0.1:0").expect("a port");
        registry.set_nonblocking(true).expect("a listener that can be asked");
        sandbox.write("tmp/.keep", "");
        std::fs::remove_file(sandbox.path().join("tmp/.keep")).expect("an empty folder");
        let extension = |hangs: &str| {
            format!(
                "#!/bin/sh\nwhile IFS= read -r line; do\n  case $line in *'\"{hangs}\"'*) exec sleep {token} ;; esac\n  \
                 id=${{line#*\\\"id\\\":\\\"}}; id=${{id%%\\\"*}}\n  printf '{{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"result\":\
                 {{\"protocol\":1,\"extension\":{{\"name\":\"slow\",\"version\":\"1\"}}}}}}\\n' \"$id\"\ndone\n"
            )
        };
        for (phase, hangs) in [(Phase::Initialize, "initialize"), (Phase::Request, "project/describe")] {
            sandbox.program(&format!("{phase:?}-found/devflow-ext-slow"), &extension(hangs));
        }
        let image = |name: &str| format!("[container]\nimage = \"{name}\"\n");
        let port = registry.local_addr().expect("its number").port();
        let pull = image(&format!("127.0.0.1:{port}/dwf/none:1"));
        let action = |script: &str| {
            format!(
                "[commands.\"test:unit\"]\nrun = ['sh', '-c', '{script}']\nenv = {{ TOKEN = '{token}' }}\n"
            )
        };
        let plain = |script: &str| image(IMAGE) + &action(script);
        let projects = [
            (Phase::Initialize, "\"slow\"", image(IMAGE)),
            (Phase::Request, "\"slow\"", image(IMAGE)),
            (Phase::Pull, "", pull + &action("true")),
            (Phase::Build, "", action("true")),
            (Phase::Running, "", plain("touch ready; exec sleep 600")),
            (
                Phase::Stubborn,
                "",
                plain(
                    "trap \"\" TERM INT; (trap \"\" TERM INT; sleep 600) & touch ready; while :; do sleep 1; done",
                ),
            ),
            (Phase::Polite, "", plain("trap \"exit 0\" TERM; touch ready; while :; do sleep 0.02; done")),
            (Phase::Teardown, "", plain("touch ready")),
        ];
        for (phase, stack, more) in projects {
            let head = format!(
                "[project]\nname = \"ends-{token}\"\nstack = [{stack}]\n[targets]\npr = [\"test:unit\"]\n"
            );
            sandbox.write(&format!("{phase:?}/devflow.toml"), &(head + &more));
        }
        let build = format!("FROM {IMAGE}\nRUN sleep {token}\n");
        sandbox.write(&format!("{:?}/Dockerfile.devflow", Phase::Build), &build);
        Self { sandbox, token, registry }
    }

    fn project(&self, phase: Phase) -> PathBuf {
        let phase = match phase {
            Phase::Parse | Phase::Create => Phase::Running,
            other => other,
        };
        self.sandbox.path().join(format!("{phase:?}"))
    }

    fn start(&self, phase: Phase) -> Started {
        let spec =
            self.sandbox.dwf(&self.project(phase), ["verify", "--engine", self.sandbox.engine().name()]);
        let found = self.sandbox.path().join(format!("{phase:?}-found"));
        let path = format!("{}:{}", found.display(), spec.get_env("PATH"));
        let tmp = self.sandbox.path().join("tmp");
        let spec = spec.env("PATH", &path).env("RUST_LOG", "devflow=debug");
        spec.env("TMPDIR", &tmp.to_string_lossy()).start()
    }

    /// Waits for the moment.
    fn reach(&self, phase: Phase, pid: Pid, dice: &mut Dice) {
        let millis = Duration::from_millis;
        let ready = self.project(phase).join("ready");
        match phase {
            Phase::Parse => std::thread::sleep(dice.delay(millis(0), millis(8))),
            Phase::Create => std::thread::sleep(dice.delay(millis(8), millis(450))),
            Phase::Initialize | Phase::Request | Phase::Build => {
                until(pid, || sleeps(&self.token));
            }
            Phase::Pull => until(pid, || self.registry.accept().map(std::mem::forget).is_ok()),
            Phase::Running | Phase::Stubborn | Phase::Polite => until(pid, || ready.exists()),
            Phase::Teardown => {
                until(pid, || ready.exists());
                std::thread::sleep(dice.delay(millis(0), millis(120)));
            }
        }
    }

    /// One round: the run, how long it took until no container and nothing in one was left, and what was left all the same.
    fn round(&self, phase: Phase, blow: Blow, dice: &mut Dice) -> (Run, Duration, Vec<String>) {
        let _ = std::fs::remove_file(self.project(phase).join("ready"));
        let started = self.start(phase);
        let pid = Pid::from_raw(i32::try_from(started.child.id()).expect("a pid"));
        self.reach(phase, pid, dice);
        for (at, signal) in blow.signals.iter().enumerate() {
            if at > 0 {
                std::thread::sleep(dice.delay(Duration::from_millis(1), Duration::from_millis(150)));
            }
            // Nobody has waited for it, so the number is still its own.
            if blow.group { killpg(pid, *signal) } else { kill(pid, *signal) }.expect("a signal");
        }
        let sent = Instant::now();
        let run = started.wait();
        let mut found = left(&self.sandbox, &self.token, &run);
        let mut gone = sent.elapsed();
        // What happens without dwf has to be waited for: the reaper's work, and that of a daemon that builds.
        let wait = !blow.is_orderly() || phase == Phase::Build;
        while !found.is_empty() && wait && sent.elapsed() < BOUND {
            std::thread::sleep(AGAIN);
            let worked = works(&found);
            found = left(&self.sandbox, &self.token, &run);
            if worked {
                gone = sent.elapsed();
            }
        }
        (run, gone, found)
    }
}

/// Waits until something is so; fails when dwf leaves before.
fn until(pid: Pid, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if status.contains("State:\tZ") {
            return;
        }
        assert!(begun.elapsed() < BOUND, "the moment never came");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Whether something sleeps for as many seconds as the token says.
fn sleeps(token: &str) -> bool {
    let sleeping = format!("sleep\0{token}\0");
    std::fs::read_dir("/proc").expect("/proc").flatten().any(|entry| {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        words.ends_with(sleeping.as_bytes())
    })
}

/// The rounds that are due: every signal in every phase in the long form; in the short one a signal for each phase, by
/// turns, and dwf killed where its containers are made and run.
fn plan(rounds: Option<u64>, engine: Engine) -> Vec<(Phase, Blow, u64)> {
    if let Some(rounds) = rounds {
        let each = |phase: Phase| BLOWS.iter().map(move |blow| (phase, *blow, rounds));
        return PHASES.into_iter().flat_map(each).collect();
    }
    let shifted = |at: usize| BLOWS[(at + 3 * engine as usize) % BLOWS.len()];
    let turns = PHASES.iter().enumerate().map(|(at, phase)| (*phase, shifted(at), 1));
    turns.chain([(Phase::Create, BLOWS[1], 1), (Phase::Running, BLOWS[3], 1)]).collect()
}

/// A row of the table.
#[derive(Default)]
struct Row {
    rounds: u64,
    wrong: u64,
    left: u64,
    times: Vec<Duration>,
}

impl Row {
    fn median(&mut self) -> Duration {
        self.times.sort();
        self.times.get(self.times.len() / 2).copied().unwrap_or_default()
    }
}

/// All rounds of one engine; prints a table, and fails when a code was wrong or anything was left.
pub fn all(engine: Engine) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let seed = number("DWF_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("{engine:?}: DWF_SEED={seed}");
    let mut dice = Dice(seed | 1);
    let place = Place::new(engine);
    let mut table: BTreeMap<(Phase, Blow), Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (phase, blow, rounds) in plan(number("DWF_ROUNDS"), engine) {
        let row = table.entry((phase, blow)).or_default();
        for _ in 0..rounds {
            let (run, time, found) = place.round(phase, blow, &mut dice);
            // The last moments may come after everything is done.
            let good = run.code == blow.code() || (phase == Phase::Teardown && run.code == 0);
            row.rounds += 1;
            row.wrong += u64::from(!good);
            row.left += u64::from(!found.is_empty());
            row.times.push(time);
            if !good || !found.is_empty() {
                wrong.push(format!("{phase:?}, {}: {found:#?}\n{run}", blow.name));
            }
        }
    }
    println!("{:<11} {:<12} {:<9} rounds wrong left  median longest", "phase", "signal", "engine");
    for ((phase, blow), row) in &mut table {
        let (phase, engine) = (format!("{phase:?}"), format!("{engine:?}"));
        let (median, longest) = (row.median(), row.times.last().copied().unwrap_or_default());
        println!(
            "{phase:<11} {:<12} {engine:<9} {:>6} {:>5} {:>4} {:>5.2} s {:>5.2} s",
            blow.name,
            row.rounds,
            row.wrong,
            row.left,
            median.as_secs_f64(),
            longest.as_secs_f64()
        );
    }
    assert!(wrong.is_empty(), "{} of these rounds:\n{}", wrong.len(), wrong.join("\n\n"));
}
