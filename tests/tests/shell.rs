//! `dwf shell`: the environment of an action, its streams and its exit code; at a terminal; and nothing left.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use devflow_tests::{Engine, Run, Sandbox, Spec};

/// Writes down what a program sees: variables, ids, folder, what is mounted.
const LOOK: &str = "{ env | sort; id; pwd; cut -d' ' -f5 /proc/self/mountinfo | sort; } >\"$1\"\n";

/// A project of its own commands alone, in the plainest image there is.
fn plain(sandbox: &Sandbox) -> PathBuf {
    sandbox.write("own/look.sh", LOOK);
    sandbox.write("own/sub/file", "");
    sandbox.write(
        "own/devflow.toml",
        "[project]\nstack = []\n\n[container]\nimage = \"debian:bookworm-slim\"\npass_env = [\"PASSED\"]\n\
         network = \"off\"\n\n[targets]\npr = [\"test:unit\"]\n\n\
         [commands.\"test:unit\"]\nrun = [\"sh\", \"look.sh\", \"action\"]\nenv = { OWN = \"it's $HOME\" }\n",
    );
    sandbox.path().join("own")
}

fn dwf(sandbox: &Sandbox, project: &Path, words: &[&str]) -> Spec {
    sandbox.dwf(project, words.iter().copied()).env("PASSED", "a b")
}

/// What [`LOOK`] wrote, without what is each container's own: its name, its init process, the runner, and where there is
/// none the mark by which an engine shows that it sees the project.
fn seen(project: &Path, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let own = |line: &&str| {
        !line.starts_with("HOSTNAME=")
            && !["init", "dwf-runner", "dwf-mark"].iter().any(|own| line.contains(own))
    };
    text.lines().filter(own).map(str::to_owned).collect()
}

fn as_an_action(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let project = plain(&sandbox);
    let run = |words: &[&str]| {
        let words: Vec<&str> = ["--engine", engine.name()].into_iter().chain(words.iter().copied()).collect();
        dwf(&sandbox, &project, &words).run()
    };
    run(&["run", "test:unit"]).expect(0);
    run(&["shell", "test:unit", "--", "sh", "look.sh", "shell"]).expect(0);
    let action = seen(&project, "action");
    assert!(action.iter().any(|line| line == "OWN=it's $HOME"), "{action:?}");
    assert!(action.iter().any(|line| line == "PASSED=a b"), "{action:?}");
    assert!(action.iter().any(|line| line == "/workspace"), "{action:?}");
    assert_eq!(action, seen(&project, "shell"));
    // Nobody disputes what the only action wants.
    run(&["shell", "--", "sh", "look.sh", "all"]).expect(0);
    assert_eq!(action, seen(&project, "all"));
    streams_and_codes(&sandbox, &project, &["--engine", engine.name()]);
}

/// The program has dwf's own streams, and dwf its exit code.
fn streams_and_codes(sandbox: &Sandbox, project: &Path, options: &[&str]) {
    let shell = |line: &str| {
        let line = format!("printf 'a\\000b' | dwf shell {} {line}", options.join(" "));
        sandbox.shell(project, &line).env("PASSED", "x").run()
    };
    let echoed = shell("-- sh -c 'cat; echo oops >&2; exit 7'");
    assert_eq!(echoed.expect(7).stdout, "a\0b");
    echoed.says("oops");
    shell("-- sh -c 'kill -9 $$'").expect(137);
    // Podman's init says 1, all others what shells say.
    let missing = shell("-- no-such-program");
    assert!([1, 127].contains(&missing.code) && missing.stderr.contains("o such file"), "{missing}");
    shell("test:unti -- true").expect(2);
    shell("'no such thing' -- true").expect(2).says("name a command, such as test:unit, or a stack");
    shell("unknown -- true").expect(2).says("has no action of `unknown`");
}

#[test]
fn as_an_action_docker() {
    as_an_action(Engine::Docker);
}

#[test]
fn as_an_action_podman() {
    as_an_action(Engine::Podman);
}

#[test]
fn as_an_action_rootless() {
    as_an_action(Engine::Rootless);
}

#[test]
fn as_an_action_on_the_host() {
    let sandbox = Sandbox::without_engine();
    let project = plain(&sandbox);
    let run = |words: &[&str]| {
        let words: Vec<&str> = ["--profile", "host"].into_iter().chain(words.iter().copied()).collect();
        dwf(&sandbox, &project, &words).run()
    };
    run(&["run", "test:unit"]).expect(0);
    run(&["shell", "test:unit", "--", "sh", "look.sh", "shell"]).expect(0);
    assert_eq!(seen(&project, "action"), seen(&project, "shell"));
    streams_and_codes(&sandbox, &project, &["--profile", "host"]);
}

/// Waits until something is so; fails with what is there instead.
fn until<T>(what: &str, look: impl Fn() -> Result<T, String>) -> T {
    let give_up = Instant::now() + Duration::from_secs(90);
    loop {
        match look() {
            Ok(found) => return found,
            Err(found) if Instant::now() > give_up => panic!("{what}: {found}"),
            Err(_) => sleep(Duration::from_millis(100)),
        }
    }
}

/// The container that a shell said, in its trace, that it would start.
fn container(trace: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(trace).map_err(|error| error.to_string())?;
    let name =
        text.lines().filter(|line| line.contains(" run --rm ")).find_map(|line| line.split("--name=").nth(1));
    name.and_then(|rest| rest.split(' ').next()).map(str::to_owned).ok_or(text)
}

fn is_there(engine: Engine, name: &str) -> bool {
    engine.containers().iter().any(|known| known == name)
}

fn gone(engine: Engine, name: &str) {
    until("a container was left", || match is_there(engine, name) {
        true => Err(name.to_owned()),
        false => Ok(()),
    });
}

/// A shell that is told to end takes its container along; so does one whose client was killed.
fn told_to_end(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let project = plain(&sandbox);
    let log = sandbox.path().join("home/trace");
    let line = format!(
        "exec dwf shell --engine {} -- sh -c 'echo up >up; sleep 1000' 2>{}",
        engine.name(),
        log.display()
    );
    let started = sandbox.shell(&project, &line).env("RUST_LOG", "devflow=debug").start();
    until("it does not start", || match project.join("up").exists() {
        true => Ok(()),
        false => Err(std::fs::read_to_string(&log).unwrap_or_default()),
    });
    let name = container(&log).expect("a container");
    assert!(is_there(engine, &name));
    let pid = started.child.id().to_string();
    Spec::new("kill").args(["-TERM", &pid]).run().expect(0);
    let run = started.wait();
    assert_eq!(run.code, 143, "{run}");
    assert!(!is_there(engine, &name), "{name} was left");
}

#[test]
fn told_to_end_docker() {
    told_to_end(Engine::Docker);
}

#[test]
fn told_to_end_rootless() {
    told_to_end(Engine::Rootless);
}

/// The options of a shell in a container that writes its trace to a file. On the host, standard error is the shell's, too,
/// and a shell is one for people only where that is the terminal.
fn trace(engine: Engine) -> String {
    format!("--engine {} 2>trace", engine.name())
}

/// A terminal with a shell script in it: before and after `dwf shell` it notes the terminal's modes.
struct Terminal<'a> {
    sandbox: &'a Sandbox,
    project: PathBuf,
}

impl<'a> Terminal<'a> {
    fn open(sandbox: &'a Sandbox, options: &str) -> Self {
        let project = plain(sandbox);
        let script = format!(
            "stty -g >before\ndwf shell {options} test:unit\necho ended=$?\nstty -g >after\nexec sleep 1000\n"
        );
        sandbox.write("own/script", &script);
        let terminal = Self { sandbox, project };
        terminal
            .tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "30", "sh script"])
            .expect(0);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> Run {
        let folder = self.sandbox.path().join("home").to_string_lossy().into_owned();
        let spec = dwf(self.sandbox, &self.project, words).program("tmux");
        let path = format!("{}:{}", self.sandbox.path().join("bin").display(), spec.get_env("PATH"));
        let spec = spec.env("PATH", &path).env("TMUX_TMPDIR", &folder).env("TERM", "xterm");
        spec.env("RUST_LOG", "devflow=debug").run()
    }

    fn type_in(&self, keys: &[&str]) {
        let words: Vec<&str> = ["send-keys"].into_iter().chain(keys.iter().copied()).collect();
        self.tmux(&words).expect(0);
    }

    /// Waits until a line of the screen is exactly this.
    fn shows(&self, line: &str) {
        until(&format!("no line {line:?}"), || {
            let screen = self.tmux(&["capture-pane", "-p"]).stdout;
            match screen.lines().any(|shown| shown.trim_end() == line) {
                true => Ok(()),
                false => {
                    let trace = std::fs::read_to_string(self.project.join("trace")).unwrap_or_default();
                    Err(format!("{screen}\n--- {trace}"))
                }
            }
        });
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn at_a_terminal(engine: Option<Engine>) {
    let sandbox = engine.map_or_else(Sandbox::without_engine, Sandbox::new);
    let options = engine.map_or("--profile host".to_owned(), trace);
    let terminal = Terminal::open(&sandbox, &options);
    terminal.type_in(&["echo ready-$((1 + 1)); echo $OWN", "Enter"]);
    terminal.shows("ready-2");
    terminal.shows("it's $HOME");
    // An engine tells a container the size when it has begun, and whenever it changes.
    let sized = |size: &str, word: &str| {
        let line = format!("until [ \"$(stty size)\" = '{size}' ]; do sleep 0.1; done; echo now''{word}");
        terminal.type_in(&[&line, "Enter"]);
        terminal.shows(&format!("now{word}"));
    };
    sized("30 90", "small");
    terminal.tmux(&["resize-window", "-x", "100", "-y", "40"]).expect(0);
    sized("40 100", "large");
    // Ctrl-C is for what runs inside, and for nobody else.
    terminal.type_in(&["touch slee''ping; sleep 1000", "Enter"]);
    until("nothing sleeps", || {
        terminal.project.join("sleeping").exists().then_some(()).ok_or_else(String::new)
    });
    sleep(Duration::from_millis(300));
    terminal.type_in(&["C-c"]);
    terminal.type_in(&["echo after-$?", "Enter"]);
    terminal.shows("after-130");
    terminal.type_in(&["(exit 3)", "Enter"]);
    terminal.type_in(&["C-d"]);
    terminal.shows("ended=3");
    let modes = |name: &str| {
        let text = || std::fs::read_to_string(terminal.project.join(name)).unwrap_or_default();
        until("no modes", || Some(text()).filter(|text| text.ends_with('\n')).ok_or_else(text))
    };
    assert_eq!(modes("before"), modes("after"));
    if let Some(engine) = engine {
        gone(engine, &container(&terminal.project.join("trace")).expect("a container"));
    }
}

#[test]
fn at_a_terminal_docker() {
    at_a_terminal(Some(Engine::Docker));
}

#[test]
fn at_a_terminal_podman() {
    at_a_terminal(Some(Engine::Podman));
}

#[test]
fn at_a_terminal_rootless() {
    at_a_terminal(Some(Engine::Rootless));
}

#[test]
fn at_a_terminal_of_the_host() {
    at_a_terminal(None);
}

/// Nobody is left to type `exit` when the window was closed.
fn closed(engine: Engine) {
    let sandbox = Sandbox::new(engine);
    let terminal = Terminal::open(&sandbox, &trace(engine));
    terminal.type_in(&["echo ready-$((1 + 1))", "Enter"]);
    terminal.shows("ready-2");
    let name = container(&terminal.project.join("trace")).expect("a container");
    assert!(is_there(engine, &name));
    terminal.tmux(&["kill-session"]).expect(0);
    gone(engine, &name);
}

#[test]
fn a_closed_terminal_docker() {
    closed(Engine::Docker);
}

#[test]
fn a_closed_terminal_podman() {
    closed(Engine::Podman);
}
