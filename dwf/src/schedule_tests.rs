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
            services: Vec::new(),
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
        services: Vec::new(),
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
        schedule.ended(at, if fails.contains(&name) { Ending::Failed } else { Ending::Passed });
    }
    for at in schedule.waiting() {
        let by = match schedule.why(at) {
            Why::Needs(name) => format!("!{}", name.command.selector()),
            Why::Failed(name) => format!("?{}", name.command.selector()),
            Why::Stopped => "-stopped".to_owned(),
        };
        log.push(format!("{}{by}", plan.actions[at].name.command.selector()));
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
    assert_eq!(run(text, 1, false, &["a"]), "+a -a b!a c!a d?a");
    assert_eq!(run(text, 1, true, &["a"]), "+a -a +d -d b!a c!a");
    assert_eq!(run(text, 2, false, &["a"]), "+a +d -a -d b!a c!a");
}

#[test]
fn after_waits_for_the_end_and_not_for_success() {
    assert_eq!(run("a\nb after=a", 2, true, &["a"]), "+a -a +b -b");
    assert_eq!(run("x\na needs=x\nb after=a", 2, true, &["x"]), "+x -x +b -b a!x");
}

#[test]
fn what_was_cancelled_is_nobodys_fault() {
    let plan = plan("a\nb\nc needs=b\nd");
    let name = |at: usize| &plan.actions[at].name;
    let begin = |keep_going| {
        let mut schedule = Schedule::new(&plan, 2, keep_going);
        assert_eq!((schedule.start(), schedule.start(), schedule.start()), (Some(1), Some(0), None));
        schedule
    };
    let mut schedule = begin(false);
    schedule.ended(0, Ending::Failed);
    assert_eq!((schedule.culprit(), schedule.running()), (Some(name(0)), vec![1]));
    schedule.ended(1, Ending::Cancelled);
    assert_eq!((schedule.start(), schedule.waiting()), (None, vec![2, 3]));
    assert_eq!((schedule.why(2), schedule.why(3)), (Why::Failed(name(0)), Why::Failed(name(0))));

    let mut schedule = begin(true);
    schedule.ended(0, Ending::Failed);
    assert_eq!(schedule.culprit(), None);
    assert_eq!(schedule.start(), Some(3));
    schedule.stop();
    schedule.ended(1, Ending::Cancelled);
    assert_eq!((schedule.start(), schedule.why(2)), (None, Why::Stopped));
    // An end that nobody waits for changes nothing.
    schedule.ended(1, Ending::Failed);
    assert_eq!((schedule.culprit(), schedule.why(2)), (None, Why::Stopped));
}

/// Neither the stack nor the time may grow with the length of a chain, or with what one action holds up.
#[test]
fn what_is_met_never_starts_and_holds_nobody_up() {
    // By name: a, b, c, d.
    let mut schedule = Schedule::new(&plan("a\nb needs=a\nc needs=b\nd"), 2, false);
    schedule.met(1);
    schedule.met(3);
    assert_eq!((schedule.start(), schedule.start(), schedule.start()), (Some(0), Some(2), None));
    // One that turns out to be met when its turn has come.
    schedule.met(0);
    assert_eq!((schedule.running(), schedule.waiting()), (vec![2], Vec::new()));
}

#[test]
fn ten_thousand_actions() {
    let chain: String = (1..10_000).map(|at| format!("a{at:05} needs=a{:05}\n", at - 1)).collect();
    let started = |text: &str, fails: &[&str]| run(text, 4, true, fails).matches('+').count();
    assert_eq!(started(&format!("a00000\n{chain}"), &[]), 10_000);
    assert_eq!(started(&format!("a00000\n{chain}"), &["a00001"]), 2);
    let fan: String = (0..2_000).map(|at| format!("b{at:05} needs=a lock=x\n")).collect();
    assert_eq!(started(&format!("a\n{fan}"), &[]), 2_001);
    let ring = plan("a needs=b\nb needs=a\nc");
    let mut schedule = Schedule::new(&ring, 4, false);
    assert_eq!((schedule.start(), schedule.start()), (Some(2), None));
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        // The multiplier is Knuth's (MMIX); its high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn plan(&mut self) -> Plan {
        let line = |at: u64, numbers: &mut Self| {
            let mut line = format!("a{at:02}");
            for word in ["needs", "after"] {
                if at > 0 && numbers.below(2) == 0 {
                    let before: Vec<String> = (0..2).map(|_| format!("a{:02}", numbers.below(at))).collect();
                    line.push_str(&format!(" {word}={}", before.join(",")));
                }
            }
            for lock in ["x", "y"] {
                if numbers.below(4) == 0 {
                    line.push_str(&format!(" lock={lock}"));
                }
            }
            line + if numbers.below(10) == 0 { " alone\n" } else { "\n" }
        };
        let text: String = (0..25).map(|at| line(at, self)).collect();
        plan(&text)
    }
}

#[test]
fn whatever_the_plan_and_the_endings() {
    for seed in 0..300 {
        let mut numbers = Numbers(seed);
        let plan = numbers.plan();
        let (jobs, keep_going) = (1 + seed as usize % 4, seed % 3 != 0);
        let mut schedule = Schedule::new(&plan, jobs, keep_going);
        let mut ended: BTreeMap<&FullName, Ending> = BTreeMap::new();
        loop {
            while let Some(at) = schedule.start() {
                let (action, running) = (&plan.actions[at], schedule.running());
                assert!(!ended.contains_key(&action.name), "seed {seed}: started twice");
                assert!(action.needs.iter().all(|need| ended.get(need) == Some(&Ending::Passed)), "{seed}");
                let others = || running.iter().filter(|other| **other != at).map(|at| &plan.actions[*at]);
                assert!(running.len() <= jobs && schedule.is_running(at), "seed {seed}");
                assert!(others().all(|other| !other.writes && !action.writes), "seed {seed}: not alone");
                let shared = |other: &Action| other.locks.iter().any(|lock| action.locks.contains(lock));
                assert!(!others().any(shared), "seed {seed}: a lock is held twice");
            }
            let running = schedule.running();
            if running.is_empty() {
                break;
            }
            let at = running[numbers.below(running.len() as u64) as usize];
            let how = if numbers.below(12) == 0 { Ending::Failed } else { Ending::Passed };
            schedule.ended(at, how);
            ended.insert(&plan.actions[at].name, how);
        }
        // What never started has a reason that is true, and everything else has ended.
        assert_eq!(ended.len() + schedule.waiting().len(), plan.actions.len(), "seed {seed}");
        for at in schedule.waiting() {
            match schedule.why(at) {
                Why::Needs(name) | Why::Failed(name) => {
                    assert_eq!(ended[name], Ending::Failed, "seed {seed}")
                }
                Why::Stopped => panic!("seed {seed}: nobody stopped it"),
            }
        }
    }
}
