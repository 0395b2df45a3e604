use super::*;
use crate::plan::Action;

/// Builds a plan from lines: `name needs=a,b after=c lock=x alone`.
fn plan(text: &str) -> Plan {
    let name = |word: &str| FullName {
        member: RelPath::here(),
        stack: Some("s".parse().unwrap()),
        command: format!("x:{word}").parse().unwrap(),
    };
    let action = |line: &str| {
        let mut words = line.split_whitespace();
        let mut action = Action {
            name: name(words.next().unwrap()),
            requested: true,
            choices: Vec::new(),
            needs: Vec::new(),
            after: Vec::new(),
            locks: Vec::new(),
            fetches: false,
            writes: false,
            timeout_s: 1,
            inputs: None,
            outputs: Vec::new(),
            reports: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                Some(("needs", list)) => action.needs = list.split(',').map(name).collect(),
                Some(("after", list)) => action.after = list.split(',').map(name).collect(),
                Some(("lock", lock)) => action.locks.push(lock.to_owned()),
                _ => action.writes = word == "alone",
            }
        }
        action
    };
    let mut actions: Vec<Action> = text.lines().filter(|line| !line.trim().is_empty()).map(action).collect();
    actions.sort_by(|a, b| a.name.cmp(&b.name));
    Plan {
        project: "p".into(),
        fingerprint: String::new(),
        extensions: Vec::new(),
        stacks: Vec::new(),
        actions,
        secrets: Vec::new(),
        skips: Vec::new(),
        notes: Vec::new(),
    }
}

/// Runs a schedule; the oldest running action ends first. `+a` is a start, `-a` an end.
fn run(text: &str, jobs: usize, keep_going: bool, fails: &[&str]) -> String {
    let plan = plan(text);
    let mut schedule = Schedule::new(&plan, jobs, keep_going);
    let (mut log, mut running) = (Vec::new(), std::collections::VecDeque::new());
    loop {
        while let Some(at) = schedule.start() {
            running.push_back(at);
            log.push(format!("+{}", plan.actions[at].name.command.selector()));
        }
        let Some(at) = running.pop_front() else { break };
        let name = plan.actions[at].name.command.selector();
        log.push(format!("-{name}"));
        schedule.ended(at, !fails.contains(&name));
    }
    for at in schedule.waiting() {
        let by = schedule.blocked_by(at).map(|name| name.command.selector()).unwrap_or("stop");
        log.push(format!("{}!{by}", plan.actions[at].name.command.selector()));
    }
    log.join(" ")
}

#[test]
fn needs_come_first_and_the_longest_way_starts_first() {
    let text = "a\nb\nc needs=b\nd needs=c";
    assert_eq!(run(text, 1, false, &[]), "+b -b +c -c +a -a +d -d");
    assert_eq!(run(text, 4, false, &[]), "+b +a -b +c -a -c +d -d");
}

#[test]
fn locks_exclude_and_writers_are_alone() {
    assert_eq!(run("a lock=t\nb lock=t\nc", 4, false, &[]), "+a +c -a +b -c -b");
    assert_eq!(run("a\nb alone\nc", 4, false, &[]), "+a -a +b -b +c -c");
}

#[test]
fn a_failure_stops_what_has_not_started() {
    let text = "a\nb needs=a\nc needs=b\nd";
    assert_eq!(run(text, 1, false, &["a"]), "+a -a b!a c!a d!stop");
    assert_eq!(run(text, 1, true, &["a"]), "+a -a +d -d b!a c!a");
    assert_eq!(run(text, 2, false, &["a"]), "+a +d -a -d b!a c!a");
}

#[test]
fn after_waits_for_the_end_and_not_for_success() {
    assert_eq!(run("a\nb after=a", 2, true, &["a"]), "+a -a +b -b");
    assert_eq!(run("x\na needs=x\nb after=a", 2, true, &["x"]), "+x -x +b -b a!x");
}
