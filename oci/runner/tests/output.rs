//! Output: exact, in bounded memory, and never in the way of anything else.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;

    use devflow_runner::wire::{End, Event, Request};
    use nix::unistd::Pid;

    use crate::harness::*;

    #[test]
    fn both_streams_are_exact() {
        let mut runner = Runner::start();
        let odd: Vec<u8> = (0..=255).chain("aä€\u{1F980}".bytes()).chain([0xF0, 0x9F]).collect();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("odd");
        fs::write(&file, odd.repeat(3000)).unwrap();
        let name = file.display();
        let outcome = runner.run(script(1, &format!("cat {name} >&2 & cat {name}; wait")));
        assert!(outcome.stdout == odd.repeat(3000) && outcome.stderr == odd.repeat(3000));

        // A character in two writes; the second follows when the first has been seen.
        let split =
            "printf 'a\\303'; echo go >&2; while [ ! -e next ]; do sleep 0.01; done; printf '\\244\\n'";
        let mut start = script(2, split);
        start.choices[0].cwd = dir.path().display().to_string();
        runner.begin(start);
        while !matches!(runner.next(), Event::Output { stream: devflow_runner::wire::Stream::Stderr, .. }) {}
        fs::write(dir.path().join("next"), "").unwrap();
        assert_eq!(runner.end_of(2).text(), "aä\n");
        runner.finish();
    }

    /// Starts a runner and leaves its standard output to the test.
    fn raw(requests: &[Request]) -> (std::process::Child, impl BufRead + use<>) {
        let mut child = program(BIN).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        for request in requests {
            writeln!(child.stdin.as_mut().unwrap(), "{}", serde_json::to_string(request).unwrap()).unwrap();
        }
        let output = BufReader::with_capacity(1 << 20, child.stdout.take().unwrap());
        (child, output)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_bounded_whatever_an_action_writes() {
        const BYTES: usize = 300_000_000;
        let script_text = format!("head -c {BYTES} /dev/zero | tr '\\0' a");
        let (mut child, mut output) = raw(&[Request::Start(script(1, &script_text))]);
        let (mut line, mut count) = (Vec::new(), 0);
        loop {
            line.clear();
            output.read_until(b'\n', &mut line).unwrap();
            // Nothing in it is escaped, so it can be counted without being parsed.
            match line.strip_prefix(br#"{"output":{"id":1,"stream":"stdout","data":{"text":""#) {
                Some(rest) => count += rest.len() - "\"}}}\n".len(),
                None => {
                    if let Event::Ended { end, .. } = serde_json::from_slice(&line).unwrap() {
                        assert_eq!(end, End::Exit(0));
                        break;
                    }
                }
            }
        }
        assert_eq!(count, BYTES);
        let peak: u64 = status(Pid::from_raw(child.id() as i32), "VmHWM").parse().unwrap();
        assert!(peak < 12 << 10, "{peak} KiB");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dwf_that_does_not_read_stops_neither_deadlines_nor_loses_output() {
        let dir = tempfile::tempdir().unwrap();
        let within = |mut start: devflow_runner::wire::Start| {
            start.choices[0].cwd = dir.path().display().to_string();
            start
        };
        let mut flood = within(script(1, "echo $$ >flood; exec yes"));
        (flood.timeout_ms, flood.grace_ms) = (Some(300), 100);
        // It starts when the wire is full, fills its pipe and is gone; every byte must still come.
        let tail = within(script(2, "head -c 60000 /dev/zero; echo $$ >tail"));
        let (mut child, output) = raw(&[Request::Start(flood), Request::Start(tail)]);
        for name in ["flood", "tail"] {
            let file = dir.path().join(name);
            let read = || fs::read_to_string(&file).unwrap_or_default();
            until("written", || read().ends_with('\n'));
            until("gone", || !alive(pid(&read())));
        }
        std::thread::sleep(std::time::Duration::from_millis(600));
        let (mut zeroes, mut ends) = (0, Vec::new());
        for line in output.lines() {
            match serde_json::from_str(&line.unwrap()).unwrap() {
                Event::Output { id: 2, data, .. } => match data {
                    devflow_runner::wire::Data::Text(text) => zeroes += text.len(),
                    devflow_runner::wire::Data::Bytes(bytes) => panic!("{bytes:?}"),
                },
                Event::Ended { id, end, .. } => {
                    ends.push((id, end));
                    if ends.len() == 2 {
                        drop(child.stdin.take());
                    }
                }
                _ => {}
            }
        }
        ends.sort_by_key(|(id, _)| *id);
        assert_eq!(ends, [(1, End::TimedOut), (2, End::Exit(0))]);
        assert_eq!(zeroes, 60_000);
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn fifty_at_once() {
        let mut runner = Runner::start();
        for id in 0..50 {
            let text = format!("for i in 1 2 3 4 5 6 7 8 9 10; do echo {id}; echo {id} >&2; done; exit {id}");
            runner.begin(script(id, &text));
        }
        for id in 0..50 {
            let outcome = runner.end_of(id);
            let all = format!("{id}\n").repeat(10).into_bytes();
            assert_eq!((outcome.stdout, outcome.stderr), (all.clone(), all));
            assert_eq!(outcome.end, End::Exit(id as i32));
        }
        runner.finish();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_daemon_that_holds_the_pipe_does_not_hang_it() {
        let dir = tempfile::tempdir().unwrap();
        let within = |id, texts: &[&str]| {
            let mut start = scripts(id, texts);
            start.choices[0].cwd = dir.path().display().to_string();
            start
        };
        let wait = |file: &str| format!("while [ ! -s {file} ]; do sleep 0.01; done; cat {file}");
        let mut runner = Runner::start();
        let quiet = format!("setsid sh -c 'echo $$ >quiet; exec sleep 1000' & {}", wait("quiet"));
        let quiet = runner.run(within(1, &[&quiet, "echo next"]));
        assert_eq!(quiet.end, End::Exit(0));
        let text = quiet.text();
        let (daemon, rest) = text.split_once('\n').unwrap();
        assert_eq!(rest, "next\n");
        assert!(alive(pid(daemon)));

        let loud = format!("setsid sh -c 'echo $$ >loud; exec yes' & {}; exit 3", wait("loud"));
        assert_eq!(runner.run(within(2, &[&loud])).end, End::Exit(3));
        runner.finish();
        assert!(!alive(pid(daemon)));
    }
}
