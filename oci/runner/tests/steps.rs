//! Starting: steps, choices, environment, programs that are not there.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use devflow_runner::wire::{Choice, End, Request};
    use nix::sys::signal::{SigSet, Signal};

    use crate::harness::*;

    fn executable(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn missing(end: &End) -> bool {
        matches!(end, End::NotStarted { missing: true, .. })
    }

    #[test]
    fn steps_run_in_order_and_a_failure_stops() {
        let mut runner = Runner::start();
        let all = runner.run(scripts(1, &["echo a", "echo b; echo x >&2", "echo c"]));
        assert_eq!((all.text().as_str(), all.stderr.as_slice()), ("a\nb\nc\n", &b"x\n"[..]));
        assert_eq!((all.end, all.step), (End::Exit(0), 2));

        let failed = runner.run(scripts(2, &["echo a", "exit 7", "echo c"]));
        assert_eq!((failed.text().as_str(), failed.end, failed.step), ("a\n", End::Exit(7), 1));
        runner.finish();
    }

    #[test]
    fn the_first_choice_that_is_there_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        executable(&dir.path().join("own/only-here"), "#!/bin/sh\necho own");
        executable(&dir.path().join("bin/tool"), "#!/bin/sh\necho tool $0");
        let own = dir.path().join("own").display().to_string();
        let when = |when: Option<&str>, path: &[&str]| Choice {
            when: when.map(str::to_owned),
            path: path.iter().map(|text| (*text).to_owned()).collect(),
            ..choice(dir.path(), vec![step("/bin/echo", &["hi"])])
        };
        let mut runner = Runner::start();
        let mut taken = |id, choices: Vec<Choice>| runner.run(action(id, choices)).choice;

        assert_eq!(taken(1, vec![when(Some("sh"), &[]), when(None, &[])]), 0);
        assert_eq!(taken(2, vec![when(Some("only-here"), &[]), when(None, &[])]), 1);
        assert_eq!(taken(3, vec![when(Some("only-here"), &[&own]), when(None, &[])]), 0);
        assert_eq!(taken(4, vec![when(Some("bin/tool"), &[]), when(None, &[])]), 0);
        assert_eq!(taken(5, vec![when(Some("bin/none"), &[]), when(None, &[])]), 1);
        assert_eq!(taken(6, vec![when(Some("tool"), &["bin", ""]), when(None, &[])]), 1);
        assert_eq!(taken(7, vec![when(Some("none"), &[]), when(Some("none either"), &[])]), 1);
        let mut elsewhere = when(Some("only-here"), &[]);
        elsewhere.env.insert("PATH".to_owned(), Some(own.clone()));
        assert_eq!(taken(8, vec![elsewhere, when(None, &[])]), 0);
        let mut nowhere = when(Some("sh"), &[]);
        nowhere.env.insert("PATH".to_owned(), None);
        assert_eq!(taken(9, vec![nowhere, when(None, &[])]), 1);

        let relative = runner.run(action(10, vec![choice(dir.path(), vec![step("./bin/tool", &[])])]));
        assert_eq!(relative.text(), format!("tool {}\n", dir.path().join("bin/tool").display()));
        runner.finish();
    }

    #[test]
    fn the_environment_is_the_runners_with_changes() {
        let mut command = program(BIN);
        command.env_clear().env("PATH", "/usr/bin:.::/bin").env("KEPT", "1").env("GONE", "1").env("NEW", "0");
        let mut runner = Runner::start_as(command);
        let mut one = choice(Path::new("/tmp"), vec![step("env", &[]), step("pwd", &["-P"])]);
        one.env.insert("GONE".to_owned(), None);
        one.env.insert("NEW".to_owned(), Some("a b\n$c".to_owned()));
        one.path = vec!["/opt/first".to_owned(), "relative".to_owned()];
        let outcome = runner.run(action(1, vec![one]));
        let text = outcome.text();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["$c", "/tmp", "KEPT=1", "NEW=a b", "PATH=/opt/first:/usr/bin:/bin"]);
        runner.finish();
    }

    #[test]
    fn what_cannot_start_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        executable(&at("bin/no-interpreter"), "#!/does/not/exist\n");
        executable(&at("bin/not-a-program"), "echo no first line\n");
        fs::write(at("bin/plain"), "").unwrap();
        let mut runner = Runner::start();
        let mut id = 0;
        let mut run = |cwd: &Path, program: &str, args: &[&str]| {
            id += 1;
            let mut one = choice(cwd, vec![shell("true"), step(program, args)]);
            one.path = vec![at("bin").display().to_string()];
            runner.run(action(id, vec![one]))
        };

        let none = run(dir.path(), "no-such-program", &[]);
        assert!(missing(&none.end) && none.step == 1, "{none:?}");
        assert!(missing(&run(dir.path(), "./none", &[]).end));
        // The working directory is not searched.
        assert!(missing(&run(&at("bin/.."), "bin", &[]).end));
        assert!(missing(&run(&at("bin"), "", &[]).end));

        let cases = [
            ("plain", "plain is not executable"),
            ("no-interpreter", "interpreter"),
            ("not-a-program", "starts with #!"),
        ];
        for (program, reason) in cases {
            let outcome = run(dir.path(), program, &[]);
            assert!(!missing(&outcome.end) && outcome.reason().contains(reason), "{outcome:?}");
        }
        let long = "x".repeat(140 << 10);
        let outcome = run(dir.path(), "echo", &[&long]);
        assert!(!missing(&outcome.end) && outcome.reason().contains("longer than"), "{outcome:?}");
        let outcome = run(dir.path(), "echo", &["a\0b"]);
        assert!(outcome.reason().contains("nul byte"), "{outcome:?}");

        for (cwd, reason) in [("gone", "gone does not exist"), ("bin/plain", "plain is not a directory")] {
            let outcome = run(&at(cwd), "echo", &[]);
            assert!(!missing(&outcome.end) && outcome.reason().contains(reason), "{outcome:?}");
        }
        let mut large = choice(dir.path(), vec![shell("true")]);
        large.env.insert("LARGE".to_owned(), Some("x".repeat(3 << 20)));
        let outcome = runner.run(action(1000, vec![large]));
        assert!(outcome.reason().contains("longer than"), "{outcome:?}");
        runner.finish();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_child_inherits_nothing_that_it_should_not() {
        // A parent that blocks signals, ignores others, and has left descriptors open.
        let mut command = program("/bin/sh");
        let careless = r#"trap '' HUP INT QUIT USR1 USR2 TERM CHLD TSTP TTIN ALRM; exec 7</etc/passwd 8>&1 9<&0; exec "$0""#;
        command.args(["-c", careless, BIN]);
        let mut blocked = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGCHLD, Signal::SIGUSR2] {
            blocked.add(signal);
        }
        blocked.thread_block().unwrap();
        let mut runner = Runner::start_as(command);
        blocked.thread_unblock().unwrap();

        let one = |step| vec![choice(Path::new("/"), vec![step])];
        let outcome = runner.run(action(1, one(step("cat", &["/proc/self/status"]))));
        for name in ["SigBlk:", "SigIgn:", "SigCgt:"] {
            let text = outcome.text();
            let set = text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
            // 32 and 33 are the C library's own; glibc's posix_spawn ignores them in every child.
            let set = u64::from_str_radix(set, 16).unwrap() & !(0b11 << 31);
            assert_eq!(set, 0, "{name} {set:x}");
        }
        let outcome = runner.run(action(2, one(step("ls", &["-l", "/proc/self/fd"]))));
        let text = outcome.text();
        let open: Vec<_> = text.lines().filter_map(|line| line.split_once(" -> ")).collect();
        let lead: Vec<_> = open.iter().map(|(_, target)| target.split([':', '[']).next().unwrap()).collect();
        assert!(
            matches!(lead[..], ["/dev/null", "pipe", "pipe", own] if own.starts_with("/proc/")),
            "{text}"
        );
        let group = runner.run(action(3, one(shell("echo $$; cut -d' ' -f5 /proc/$$/stat"))));
        let text = group.text();
        assert_eq!(text.lines().next(), text.lines().nth(1));
        runner.finish();
    }

    #[test]
    fn a_broken_pipe_inside_an_action_is_quiet() {
        let mut runner = Runner::start();
        let outcome = runner.run(script(1, "yes | head -1"));
        assert_eq!((outcome.text().as_str(), outcome.stderr.as_slice()), ("y\n", &b""[..]));
        runner.finish();
    }

    #[test]
    fn usage_is_reported() {
        let mut runner = Runner::start();
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let two = runner.run(scripts(1, &[burn, burn]));
        let idle = runner.run(scripts(2, &["exec sleep 0.2"]));
        assert!(two.cpu_ms > 10 && idle.cpu_ms < two.cpu_ms, "{two:?} {idle:?}");
        let big = runner.run(script(3, "exec dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null"));
        assert!(big.peak_kib >= 64 << 10 && two.peak_kib < 64 << 10, "{big:?} {two:?}");
        runner.finish();
    }

    #[test]
    fn a_request_that_is_none_ends_the_runner() {
        let line = |start| serde_json::to_string(&Request::Start(start)).unwrap() + "\n";
        let twice = line(script(1, "exec sleep 1000")).repeat(2);
        let no_choice = line(action(1, vec![]));
        let no_step = line(scripts(1, &[]));
        let nowhere = line(action(1, vec![choice(Path::new("here"), vec![shell("true")])]));
        for bad in ["{}\n", "nonsense\n", "\u{FEFF}{}\n", &twice, &no_choice, &no_step, &nowhere] {
            let mut command = program(BIN);
            command.stderr(std::process::Stdio::piped());
            let mut runner = Runner::start_as(command);
            runner.say(bad);
            assert_eq!(runner.wait().code(), Some(70), "{bad}");
        }
        // A dwf that died while it wrote is an end like another.
        let mut runner = Runner::start();
        runner.say("{\"start\":{\"id\":1");
        runner.finish();
    }
}
