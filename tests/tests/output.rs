//! What a person sees, and what is left for others to read: recordings of a real terminal, reports
//! that their schemas accept, and what GitHub takes from a log.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devflow_tests::{Engine, Run, Sandbox, Spec, edit, repository};

/// Three actions: one is quick, one goes on until it is told how to end, one waits for that.
const LIVE: &str = r#"[project]
name = "live"
stack = []
[targets]
pr = ["x:quick", "x:slow", "x:waits"]
[commands."x:quick"]
run = ["true"]
[commands."x:slow"]
run = ["sh", "-c", "echo \"colours $CLICOLOR_FORCE $FORCE_COLOR\"; while [ ! -s go ]; do sleep 0.1; done; exit $(cat go)"]
[commands."x:waits"]
run = ["true"]
needs = ["x:slow"]
"#;

/// A terminal of tmux in which dwf runs; it goes away with the value.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn start(sandbox: &Sandbox, project: &Path, (columns, rows): (u16, u16)) -> Self {
        let name = sandbox.path().file_name().expect("a name").to_string_lossy().into_owned();
        let terminal = Self { socket: format!("{name}-{columns}") };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let new = [
            "tmux",
            "-L",
            &terminal.socket,
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
        ];
        // The shell stays when a signal comes, and says how dwf ended.
        let shell = ["sh", "-c", "trap : INT; \"$@\"; echo \"exit $?\"; sleep 600", "sh"];
        let dwf = sandbox.dwf(project, ["verify", "--profile", "host", "-j", "2"]).env("SHELL", "/bin/sh");
        dwf.under(new.into_iter().chain(shell)).run().expect(0);
        terminal
    }

    fn tmux(&self, args: &[&str]) -> String {
        let run = Spec::new("tmux").args(["-L", &self.socket]).args(args.iter().copied()).run();
        run.expect(0).stdout.clone()
    }

    /// The lines of the screen once one of them begins with this; times are all the same.
    fn shows(&self, text: &str) -> Vec<String> {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            let lines: Vec<String> = screen.lines().map(|line| timeless(line.trim_end())).collect();
            if lines.iter().any(|line| line.starts_with(text)) {
                return lines.into_iter().filter(|line| !line.is_empty()).collect();
            }
            assert!(Instant::now() < give_up, "{text:?} is not shown:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// `  12.34 s` becomes ` # s`.
fn timeless(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_time = |at: usize| {
        let number = words[at].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        number && words.get(at + 1) == Some(&"s")
    };
    let shown = (0..words.len()).map(|at| if is_time(at) { "#" } else { words[at] });
    shown.collect::<Vec<_>>().join(" ")
}

fn live() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::without_engine();
    sandbox.write("live/devflow.toml", LIVE);
    let project = sandbox.path().join("live");
    (sandbox, project)
}

/// Fails unless these lines are at the end of the screen.
#[track_caller]
fn ends(screen: &[String], expected: &[&str]) {
    let end = &screen[screen.len().saturating_sub(expected.len())..];
    assert_eq!(end, expected, "{screen:#?}");
}

#[test]
fn a_terminal_shows_what_runs_and_then_what_failed() {
    for columns in [100, 48] {
        let (sandbox, project) = live();
        let terminal = Terminal::start(&sandbox, &project, (columns, 30));
        let screen = terminal.shows("1 of 3 done");
        ends(&screen, &["PASS x:quick # s", "RUN x:slow # s", "1 of 3 done, 1 running, 1 waiting, # s"]);

        // A narrower terminal wraps what is there, and nothing of it may stay.
        terminal.tmux(&["resize-window", "-x", "34", "-y", "30"]);
        let narrow = terminal.shows("1 of 3 done");
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(terminal.tmux(&["capture-pane", "-p"]).matches("RUN").count(), 1, "{narrow:#?}");
        terminal.tmux(&["resize-window", "-x", "100", "-y", "30"]);

        std::fs::write(project.join("go"), "3").expect("a file");
        let screen = terminal.shows("exit ");
        ends(
            &screen,
            &[
                "PASS x:quick # s",
                "FAIL x:slow # s exit code 3",
                "---- x:waits not run: it needs x:slow, which failed",
                "━━ x:slow failed: exit code 3",
                "colours 1 1",
                "reproduce: dwf --profile host run x:slow",
                "1 passed, 1 failed, 1 not run in # s",
                "exit 1",
            ],
        );
        assert_eq!(terminal.tmux(&["display-message", "-p", "#{cursor_flag}"]), "1\n");
    }
}

#[test]
fn after_ctrl_c_the_terminal_is_clean() {
    let (sandbox, project) = live();
    let terminal = Terminal::start(&sandbox, &project, (100, 30));
    terminal.shows("1 of 3 done");
    terminal.tmux(&["send-keys", "C-c"]);
    let screen = terminal.shows("exit ");
    assert!(screen.iter().any(|line| line.ends_with("stopping; once more to kill")), "{screen:#?}");
    assert!(!screen.iter().any(|line| line.starts_with("RUN") || line.contains("of 3 done")), "{screen:#?}");
    ends(
        &screen,
        &[
            "STOP x:slow # s cancelled",
            "---- x:waits not run: stopped",
            "error: interrupted by SIGINT",
            "exit 130",
        ],
    );
}

/// Neither what is no terminal, nor one that somebody else reads, is drawn on.
#[test]
fn nothing_is_drawn_where_nobody_sees_it() {
    let (sandbox, project) = live();
    std::fs::write(project.join("go"), "0").expect("a file");
    for output in ["live", "grouped", "stream", "quiet"] {
        let args = ["verify", "--force", "--profile", "host", "--output", output];
        let run = sandbox.dwf(&project, args).run();
        run.expect(0).says("3 passed, 0 failed");
        assert!(!run.stderr.contains(['\r', '\x1b']), "{output}: {run}");
        assert_eq!(
            run.stderr.contains("colours  \n"),
            ["grouped", "stream"].contains(&output),
            "{output}: {run}"
        );
        let terminal = Spec::new("script").args(["-qec"]);
        let line = sandbox.dwf_path().to_string_lossy().into_owned() + " " + &args.join(" ");
        let of_dwf = sandbox.dwf(&project, [] as [&str; 0]);
        let mut spec = terminal.args([line.as_str(), "/dev/null"]).cwd(&project);
        for name in ["HOME", "XDG_STATE_HOME", "DWF_CACHE_ROOT"] {
            spec = spec.env(name, of_dwf.get_env(name));
        }
        let run = spec.env("TERM", "xterm").env("CI", "true").run();
        assert!(
            run.stdout.contains("3 passed, 0 failed") && !run.stdout.contains("\x1b[J"),
            "{output}: {run}"
        );
    }
}

/// A sample of three stacks, in each of which one test fails.
fn broken(sandbox: &Sandbox) -> PathBuf {
    let project = sandbox.project("mixed", "repository/shop");
    edit(&project.join("backend/src/lib.rs"), "Some(820)", "Some(821)");
    edit(&project.join("frontend/test/row.test.js"), "price(5)", "price(6)");
    edit(
        &project.join("tools/tests/test_pricelist.py"),
        r#"cents("1.10") == 110"#,
        r#"cents("1.10") == 777"#,
    );
    project
}

fn validates(schema: &str, file: &Path) {
    let schema = repository().join("dwf/schema").join(schema);
    let (schema, file) = (schema.to_string_lossy(), file.to_string_lossy());
    Spec::new("xmllint").args(["--noout", "--nonet", "--schema", &schema, &file]).run().expect(0);
}

#[test]
fn failures_of_three_stacks_are_one_report() {
    let sandbox = Sandbox::new(Engine::Docker);
    let project = broken(&sandbox);
    let (junit, json) = (sandbox.path().join("out/junit.xml"), sandbox.path().join("out/run.json"));
    let summary = sandbox.write("summary.md", "before\n");
    let reports = format!("junit={},json={}", junit.display(), json.display());
    let run = sandbox
        .dwf(&project, ["run", "test:unit", "--keep-going", "--engine", "docker", "--report", &reports])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", &sandbox.path().join("repository").to_string_lossy())
        .env("GITHUB_STEP_SUMMARY", &summary.to_string_lossy())
        .run();
    run.expect(1).says("3 failed");

    validates("junit.xsd", &junit);
    let text = std::fs::read_to_string(&junit).expect("a report");
    let xml = roxmltree::Document::parse(&text).expect("XML");
    let failed = |suite: &str| -> Vec<String> {
        let suites = xml.descendants().filter(|node| node.has_tag_name("testsuite"));
        let suite = suites.filter(|node| node.attribute("name").is_some_and(|name| name.starts_with(suite)));
        let cases = suite.flat_map(|suite| suite.children()).filter(|node| node.has_tag_name("testcase"));
        let failed = cases.filter(|case| case.children().any(|child| child.has_tag_name("failure")));
        failed.filter_map(|case| case.attribute("name").map(str::to_owned)).collect()
    };
    assert_eq!(
        failed("dwf: "),
        ["backend#rust/test:unit", "frontend#node/test:unit", "tools#python/test:unit"]
    );
    assert_eq!(failed("frontend#node/test:unit"), ["a price has two digits of cents"]);
    assert_eq!(failed("tools#python/test:unit"), ["test_prices_are_exact"]);
    assert!(text.contains("right: Some(821)"), "{text}");

    let schema = repository().join("dwf/schema/report-1.schema.json");
    let read = |path: &Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
    };
    let (schema, told) = (read(&schema), read(&json));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(&told).map(|error| error.to_string()).collect();
    assert_eq!(problems, [] as [&str; 0]);
    assert_eq!((&told["outcome"], &told["plan"]), (&"failed".into(), &run.digest().into()));
    let tests = |name: &str| {
        let action = told["actions"].as_array().into_iter().flatten().find(|action| action["name"] == name);
        action.map_or(0, |action| action["reports"][0]["tests"].as_u64().unwrap_or(0))
    };
    assert_eq!([tests("frontend#node/test:unit"), tests("tools#python/test:unit")], [3, 4]);

    annotated(&run);
    let summary = std::fs::read_to_string(summary).expect("a summary");
    assert!(summary.starts_with("before\n### sample\\-mixed&#58; failed\n"), "{summary}");
    for action in ["backend&#35;rust\\/test&#58;unit", "tools&#35;python\\/test&#58;unit"] {
        assert!(summary.contains(&format!("| ❌ | {action} |")), "{action}: {summary}");
    }

    // This time the tests do not even begin, and what is there is the earlier run's.
    let args = [
        "run",
        "tools#python/test:unit",
        "--engine",
        "docker",
        "--report",
        &reports,
        "--",
        "--no-such-option",
    ];
    sandbox.dwf(&project, args).run().expect(1);
    let told = read(&json);
    let action = told["actions"].as_array().and_then(|actions| actions.last()).expect("an action");
    assert_eq!(
        (&action["outcome"], &action["reports"]),
        (&"failed".into(), &serde_json::json!([])),
        "{told:#}"
    );
}

/// One command for each failure, at its line; the actions' output in groups, where it gives none.
#[track_caller]
fn annotated(run: &Run) {
    let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("::error ")).collect();
    let has =
        |start: &str, end: &str| errors.iter().any(|line| line.starts_with(start) && line.contains(end));
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(
        has("::error file=shop/backend/src/lib.rs,line=", "title=backend#rust/test%3Aunit::"),
        "{errors:#?}"
    );
    assert!(
        has("::error file=shop/frontend/test/row.test.js,line=8,", "a price has two digits"),
        "{errors:#?}"
    );
    assert!(
        has("::error file=shop/tools/tests/test_pricelist.py,line=9,", "test_prices_are_exact"),
        "{errors:#?}"
    );
    let count = |start: &str| run.stderr.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("::group::"), count("::endgroup::"), "{run}");
    assert!(count("::group::FAIL  tools#python/test:unit") == 1, "{run}");
}

/// A run that could not even begin is told, too.
#[test]
fn a_run_that_broke_is_reported() {
    let sandbox = Sandbox::without_engine();
    sandbox.write("broken/devflow.toml", "[project]\nstack = []\nzebra = 1\n");
    let project = sandbox.path().join("broken");
    sandbox.dwf(&project, ["verify", "--report", "junit=a/j.xml", "--report=json=a/j.json"]).run().expect(2);
    validates("junit.xsd", &project.join("a/j.xml"));
    let told = std::fs::read_to_string(project.join("a/j.json")).expect("a report");
    assert!(told.contains("\"outcome\": \"failed\"") && told.contains("zebra"), "{told}");
}
