//! Ends: deadlines, cancellation, signals, and nothing left behind.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod tests {
    use std::fs;

    use devflow_runner::wire::{End, Event};
    use nix::sys::signal::{Signal, kill};

    use crate::harness::*;

    /// Says its own and a child's process id; neither ends by SIGTERM.
    const STUBBORN: &str = "trap '' TERM; sh -c 'while :; do sleep 1; done' & echo $$; echo $!; wait";

    #[test]
    fn a_deadline_ends_one_action_and_all_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut runner = Runner::start();
        let mut other = script(1, "echo up; while [ ! -e go ]; do sleep 0.01; done; echo done");
        other.choices[0].cwd = dir.path().display().to_string();
        runner.begin(other);
        assert_eq!(runner.line_of(1), "up");

        let mut late = scripts(2, &[STUBBORN, "echo never"]);
        (late.timeout_ms, late.grace_ms) = (Some(400), 50);
        runner.begin(late);
        let pids = [runner.line_of(2), runner.line_of(2)];
        let outcome = runner.end_of(2);
        assert_eq!((outcome.end, outcome.step), (End::TimedOut, 0));
        assert_eq!(outcome.stdout, b"");
        for one in &pids {
            until("gone", || !alive(pid(one)));
        }
        fs::write(dir.path().join("go"), "").unwrap();
        assert_eq!(runner.end_of(1).end, End::Exit(0));
        runner.finish();
    }

    #[test]
    fn a_deadline_is_for_all_steps_together() {
        let mut runner = Runner::start();
        let mut start = scripts(1, &["true", "exec sleep 1000"]);
        start.timeout_ms = Some(300);
        let outcome = runner.run(start);
        assert_eq!((outcome.end, outcome.step), (End::TimedOut, 1));
        runner.finish();
    }

    #[test]
    fn a_cancelled_action_is_cancelled_whatever_it_exits_with() {
        let mut runner = Runner::start();
        let obeys = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done";
        runner.begin(scripts(1, &[obeys, "echo never"]));
        runner.begin(script(2, "echo up; exec sleep 1000"));
        assert_eq!([runner.line_of(1), runner.line_of(2)], ["up", "up"]);
        runner.cancel(1, 60_000);
        let outcome = runner.end_of(1);
        assert_eq!((outcome.text().as_str(), outcome.end), ("bye\n", End::Cancelled));
        // Of an action that has ended: nothing happens.
        runner.cancel(1, 0);
        assert!(!runner.ended.contains_key(&2));
        runner.cancel(2, 60_000);
        assert_eq!(runner.end_of(2).end, End::Cancelled);
        runner.finish();
    }

    #[test]
    fn a_second_cancel_can_be_quicker() {
        let mut runner = Runner::start();
        runner.begin(script(1, STUBBORN));
        let pids = [runner.line_of(1), runner.line_of(1)];
        runner.cancel(1, 10_000_000);
        runner.cancel(1, 0);
        assert_eq!(runner.end_of(1).end, End::Cancelled);
        for one in &pids {
            until("gone", || !alive(pid(one)));
        }
        runner.finish();
    }

    #[test]
    fn a_stopped_process_hears_that_it_must_end() {
        let mut runner = Runner::start();
        runner.begin(script(1, "trap 'echo heard; exit 0' TERM; echo $$; kill -STOP $$; exit 9"));
        let stopped = pid(&runner.line_of(1));
        until("stopped", || status(stopped, "State") == "T");
        runner.cancel(1, 10_000_000);
        let outcome = runner.end_of(1);
        assert_eq!((outcome.text().as_str(), outcome.end), ("heard\n", End::Cancelled));
        runner.finish();
    }

    #[test]
    fn an_end_by_a_signal_is_told() {
        let mut runner = Runner::start();
        assert_eq!(runner.run(scripts(1, &["kill -KILL $$", "true"])).end, End::Signal(9));
        assert_eq!(runner.run(script(2, "kill -TERM $$")).end, End::Signal(15));
        // One without a name.
        assert_eq!(runner.run(script(3, "kill -40 $$")).end, End::Signal(40));
        runner.finish();
    }

    #[test]
    fn what_a_step_leaves_in_its_group_is_killed_before_the_next() {
        let mut runner = Runner::start();
        let look = "read pid <\"$FILE\"; while kill -0 $pid 2>/dev/null; do sleep 0.01; done; echo gone";
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut start = scripts(1, &["trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $! >\"$FILE\"", look]);
        start.choices[0].env.insert("FILE".to_owned(), Some(file.path().display().to_string()));
        assert_eq!(runner.run(start).text(), "gone\n");
        runner.finish();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn orphans_are_reaped_while_the_session_lasts() {
        let mut runner = Runner::start();
        let orphans = "for i in 1 2 3 4 5 6 7 8; do setsid sleep 0.05 >/dev/null 2>&1 & done";
        assert_eq!(runner.run(script(1, orphans)).end, End::Exit(0));
        let children = format!("/proc/{0}/task/{0}/children", runner.pid());
        until("reaped", || fs::read_to_string(&children).unwrap().is_empty());
        assert_eq!(runner.run(script(2, "exit 4")).end, End::Exit(4));
        runner.finish();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_end_of_input_ends_everything() {
        let mut runner = Runner::start();
        // A daemon of a daemon, in sessions of their own, deaf to SIGTERM and without our pipes.
        let daemon = "trap '' TERM; setsid sh -c 'setsid sleep 1000 & echo $! >&3; exec sleep 1000' 3>&1 >/dev/null 2>&1 & echo $!; wait";
        runner.begin(script(1, daemon));
        runner.begin(script(2, STUBBORN));
        let mut pids = vec![runner.line_of(1), runner.line_of(1)];
        pids.extend([runner.line_of(2), runner.line_of(2)]);
        let own = [runner.pid()];
        runner.close();
        assert_eq!(runner.end_of(1).end, End::Cancelled);
        assert_eq!(runner.end_of(2).end, End::Cancelled);
        assert_eq!(runner.wait().code(), Some(0));
        for one in pids.iter().map(|text| pid(text)).chain(own) {
            assert!(!alive(one), "{one}");
        }
    }

    #[test]
    fn signals_to_the_runner() {
        for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
            let mut runner = Runner::start();
            runner.begin(script(1, STUBBORN));
            let pids = [runner.line_of(1), runner.line_of(1)];
            runner.signal(Signal::SIGINT);
            runner.signal(Signal::SIGQUIT);
            assert_eq!(runner.run(script(2, "exit 5")).end, End::Exit(5));
            runner.signal(signal);
            assert_eq!(runner.end_of(1).end, End::Cancelled);
            assert_eq!(runner.wait().code(), Some(code));
            for one in &pids {
                until("gone", || !alive(pid(one)));
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dwf_that_is_killed_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let request = devflow_runner::wire::Request::Start(script(1, STUBBORN));
        let parent = r#"mkfifo in; "$0" <in >out & exec 9>in; echo "$!"; echo "$1" >&9; exec sleep 1000"#;
        let mut command = program("/bin/sh");
        command.args(["-c", parent, BIN, &serde_json::to_string(&request).unwrap()]).current_dir(dir.path());
        let mut parent = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(parent.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        let mut pids = vec![pid(&line)];
        until("running", || {
            let events = fs::read_to_string(dir.path().join("out")).unwrap_or_default();
            let numbers: String = events
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .filter_map(|line| match serde_json::from_str(line).unwrap() {
                    Event::Output { data: devflow_runner::wire::Data::Text(text), .. } => Some(text),
                    _ => None,
                })
                .collect();
            let found = numbers.lines().map(pid);
            pids.truncate(1);
            pids.extend(found);
            numbers.ends_with('\n') && pids.len() == 3
        });
        assert!(pids.iter().all(|one| alive(*one)), "{pids:?}");
        parent.kill().unwrap();
        parent.wait().unwrap();
        for one in pids {
            until("gone", || !alive(one));
        }
    }

    #[test]
    fn a_dwf_that_hears_nothing_is_gone() {
        let mut runner = Runner::start();
        runner.begin(script(1, STUBBORN));
        let pids = [runner.line_of(1), runner.line_of(1)];
        runner.hang_up();
        runner.begin(script(2, "exec yes"));
        assert_eq!(runner.wait().code(), Some(0));
        for one in &pids {
            until("gone", || !alive(pid(one)));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_action_cannot_write_to_the_wire() {
        let mut runner = Runner::start();
        let outcome = runner.run(script(1, "ls /proc/$PPID/fd 2>/dev/null"));
        if nix::unistd::geteuid().is_root() {
            // Root may do anything; the standard descriptors at least lead nowhere.
            for number in [0, 1] {
                let target = fs::read_link(format!("/proc/{}/fd/{number}", runner.pid())).unwrap();
                assert_eq!(target.to_str(), Some("/dev/null"));
            }
        } else {
            assert!(outcome.end != End::Exit(0) && outcome.stdout.is_empty(), "{outcome:?}");
        }
        kill(runner.pid(), Signal::SIGTERM).unwrap();
        assert_eq!(runner.wait().code(), Some(143));
    }
}
