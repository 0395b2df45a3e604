use std::collections::BTreeMap;

use super::*;
use crate::report::event::{Outcome, Used};
use crate::report::kept::Kept;
use crate::report::ledger::{Ledger, Told};

fn summary(taken: &Taken) -> Vec<String> {
    let case = |case: &Case| {
        let result = match &case.result {
            CaseResult::Passed => "passed".to_owned(),
            CaseResult::Failed { error, message, text } => format!("failed {error} {message:?} {text:?}"),
            CaseResult::Skipped(reason) => format!("skipped {reason:?}"),
        };
        format!("{}/{}/{} {result}", case.suite, case.class, case.name)
    };
    taken.cases.iter().map(case).chain(taken.problem.iter().map(|problem| format!("! {problem}"))).collect()
}

/// Fails unless a report reads as these lines.
#[track_caller]
fn check(xml: &str, expected: &[&str]) {
    assert_eq!(summary(&read(xml.as_bytes())), expected, "{xml}");
}

#[test]
fn reports_of_several_dialects() {
    check(
        r#"<?xml version="1.0"?><!-- x --><testsuites name="all"><testsuite name="s" tests="3">
           <properties><property name="a" value="b"/></properties>
           <testcase classname="c" name="good" time="1.5"/>
           <testcase classname="c" name="bad"><failure message="1 &lt; 2&#10;x">a &amp; b <![CDATA[<c>]]></failure>
           <system-out>noise</system-out></testcase>
           <testcase classname="c" name="ugly"><error message="e"/></testcase>
           <testcase classname="c" name="not"><skipped message="why"/></testcase>
           </testsuite></testsuites>"#,
        &[
            "s/c/good passed",
            "s/c/bad failed false \"1 < 2\\nx\" \"a & b <c>\"",
            "s/c/ugly failed true \"e\" \"\"",
            "s/c/not skipped \"why\"",
        ],
    );
    check(
        "<testsuites><testcase name='bare'/><testsuite name='o'><testsuite name='i'><testcase name='n'/></testsuite></testsuite></testsuites>",
        &["//bare passed", "o › i//n passed"],
    );
    check("<testsuite name='only'><testcase name='x' file='a.x' line='7'/></testsuite>", &["only//x passed"]);
    let taken = read(&b"<testsuite><testcase name='x' time='1.25' file='a.x' line='7'/></testsuite>"[..]);
    assert_eq!(taken.cases[0].time, Some(Duration::from_millis(1250)));
    assert_eq!(taken.cases[0].place, Some(("a.x".to_owned(), Some(7))));
}

#[test]
fn a_failure_is_never_made_good() {
    check(
        "<testsuite><testcase name='x'><failure message='a'/><skipped/><error message='b'/></testcase></testsuite>",
        &["//x failed false \"a\" \"\""],
    );
}

#[test]
fn what_is_broken_is_a_note() {
    check("", &["! it is no JUnit report"]);
    check("plain text", &["! it is no JUnit report"]);
    check("<html><body/></html>", &["! it is no JUnit report"]);
    check("<testsuite><testcase name='x'/>", &["//x passed", "! it ends in the middle"]);
    let nested = "<testsuite>".repeat(100);
    check(&nested, &["! more than 64 elements are inside each other"]);
    for bad in
        ["<testsuite></other>", "<testsuite><testcase name=", "\0\0\0<", "<testsuite name='&#0;' time='NaN'/"]
    {
        assert!(read(bad.as_bytes()).problem.is_some(), "{bad}");
    }
    check(
        "<testsuite><testcase name='x' time='-1'/><testcase time='1e400'/></testsuite>",
        &["//x passed", "// passed"],
    );
}

#[test]
fn no_entity_is_expanded() {
    let laughs = "<!DOCTYPE t [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'><!ENTITY c SYSTEM 'file:///etc/passwd'>]>
        <testsuite><testcase name='&b;'><failure message='m'>&b;&c;&#65;</failure></testcase></testsuite>";
    check(laughs, &["//&b; failed false \"m\" \"&b;&c;A\""]);
}

#[test]
fn a_huge_report_is_bounded() {
    let cases = "<testcase name='x'><failure>".to_owned() + &"y".repeat(40_000) + "</failure></testcase>";
    let taken = read(format!("<testsuite>{}</testsuite>", cases.repeat(700)).as_bytes());
    let said: usize = taken
        .cases
        .iter()
        .map(|case| match &case.result {
            CaseResult::Failed { text, .. } => text.len(),
            _ => 0,
        })
        .sum();
    assert_eq!((taken.cases.len(), said), (700, 8 << 20));

    let many = "<testcase/>".repeat(50_001);
    let taken = read(format!("<testsuite>{many}</testsuite>").as_bytes());
    assert_eq!(taken.cases.len(), 50_000);
    assert!(taken.problem.is_some_and(|problem| problem.contains("more than 50000 tests")));

    let endless = std::io::Read::chain(&b"<testsuite>"[..], std::io::repeat(b' '));
    assert!(read(endless).problem.is_some_and(|problem| problem.contains("larger than 32 MiB")));
}

fn name(text: &str) -> crate::name::FullName {
    let wanted: crate::name::Wanted = text.parse().unwrap();
    crate::name::FullName {
        member: wanted.member.unwrap_or_default(),
        stack: wanted.stack,
        command: wanted.command,
    }
}

#[test]
fn every_action_is_there_and_its_tests_below() {
    let mut ledger = Ledger::default();
    ledger.facts.project = Some("shop".into());
    let used = Used { elapsed: Duration::from_millis(1500), ..Used::default() };
    ledger.finished(&name("a/build:debug"), &Outcome::Passed, used);
    ledger.finished(&name("web#b/test:unit"), &Outcome::Failed("exit code 1".into()), used);
    ledger.finished(&name("a/test:unit"), &Outcome::TimedOut("timed out".to_owned()), used);
    ledger.left(&name("a/fmt:check"), Told::Skipped, "no files");
    ledger.left(&name("a/lint:static"), Told::NotRun, "it needs a/test:unit");
    let mut kept = Kept::default();
    kept.push(b"\x1b[31mred\x1b[0m ]]> \0 \xff\t<end>\n");
    ledger.entry(&name("web#b/test:unit")).output = Some(kept);
    ledger.entry(&name("web#b/test:unit")).reproduce = Some("dwf run web#b/test:unit".into());
    let xml = "<testsuite name='s'><testcase name='t'><failure message='no'>text</failure></testcase>";
    ledger.entry(&name("web#b/test:unit")).taken =
        vec![Taken { path: "r.xml".into(), ..read(xml.as_bytes()) }];
    ledger.facts.error = Some("the container ended".into());

    let text = whole(&mut ledger, Duration::from_secs(3)).unwrap();
    let taken = read(text.as_bytes());
    assert_eq!(
        summary(&taken),
        [
            "dwf: shop/dwf/the run failed true \"the container ended\" \"\"",
            "dwf: shop/a/a/build:debug passed",
            "dwf: shop/a/a/fmt:check skipped \"no files\"",
            "dwf: shop/a/a/lint:static skipped \"it needs a/test:unit\"",
            "dwf: shop/a/a/test:unit failed false \"timed out\" \"\"",
            "dwf: shop/web#b/web#b/test:unit failed false \"exit code 1\" \"reproduce: dwf run web#b/test:unit\"",
            "web#b/test:unit s//t failed false \"no\" \"text\"",
        ]
    );
    assert!(text.contains("[dwf: the report r.xml: it ends in the middle]"), "{text}");
    assert!(text.contains("red ]]&gt;  \u{fffd}    &lt;end&gt;"), "{text}");
    assert!(!text.contains(['\0', '\x1b']), "{text}");
    let counts: BTreeMap<&str, bool> = [("failures=\"3\"", true), ("errors=\"1\"", true)]
        .map(|(count, _)| (count, text.contains(count)))
        .into();
    assert!(counts.values().all(|there| *there), "{counts:?}\n{text}");
}

#[test]
fn the_json_says_the_same() {
    let mut ledger = Ledger::default();
    let used = Used { elapsed: Duration::from_millis(1500), cpu: Duration::from_millis(20), peak_kib: 7 };
    ledger.entry(&name("web#b/test:unit")).start = Some(Duration::from_millis(250));
    ledger.finished(&name("web#b/test:unit"), &Outcome::TimedOut("timed out".to_owned()), used);
    ledger.left(&name("lint:policy"), Told::NotRun, "not run: stopped");
    let xml =
        "<testsuite><testcase/><testcase><error/></testcase><testcase><skipped/></testcase></testsuite>";
    ledger.entry(&name("web#b/test:unit")).taken =
        vec![Taken { path: "r.xml".into(), ..read(xml.as_bytes()) }];
    let text = crate::report::json::whole(&ledger, Duration::from_secs(3)).unwrap();
    let run: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema = include_str!("../../../schema/report-1.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&run).map(|error| error.to_string()).collect();
    assert_eq!(problems, [] as [&str; 0]);
    assert_eq!(run["outcome"], "failed");
    assert_eq!(run["actions"][0]["name"], "lint:policy");
    let action = &run["actions"][1];
    assert_eq!((&action["outcome"], &action["start_s"]), (&"timed out".into(), &0.25.into()));
    assert_eq!((&action["cpu_s"], &action["peak_kib"]), (&0.02.into(), &7.into()));
    assert_eq!(action["reports"][0]["tests"], 3);
    assert!(!validator.is_valid(&serde_json::json!({ "version": 2 })), "the schema refuses something");
}
