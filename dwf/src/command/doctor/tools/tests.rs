use super::*;

fn tool(program: &str, wants: Option<&str>) -> Tool {
    Tool { program: program.to_owned(), args: vec!["--version".to_owned()], wants: wants.map(str::to_owned) }
}

#[test]
fn versions_as_programs_tell_them() {
    for (text, expected) in [
        ("maker 1.95.0 (abc 2026-01-01)", Some("1.95.0")),
        ("v20.11.1", Some("20.11.1")),
        ("tool version 3.11.2+build.7, x", Some("3.11.2")),
        ("10.8.2", Some("10.8.2")),
        ("thing (1.2)", Some("1.2")),
        ("a 1.2.3.4", Some("1.2.3")),
        ("1.2.", Some("1.2")),
        ("release 7", None),
        ("", None),
        ("no such command", None),
    ] {
        assert_eq!(version(text), expected, "{text}");
    }
}

#[test]
fn answers_are_judged() {
    let check = |wants: Option<&str>, answer: Answer, expected: State| {
        let check = judged(&tool("t", wants), &["a".to_owned()], &answer, "in the image");
        assert_eq!(check.state, expected, "{wants:?} {answer:?}: {check:?}");
        // What is wrong says what to do.
        assert_eq!(check.state == State::Bad, serde_json::to_value(&check).unwrap().get("fix").is_some());
    };
    let said = |text: &str| Answer::Said(text.to_owned());
    check(None, said("whatever"), State::Good);
    check(Some(">=1.70"), said("t 1.95.0"), State::Good);
    check(Some(">=1.70, <2"), said("t 1.69"), State::Bad);
    check(Some(">=1.70"), said("t"), State::Poor);
    check(Some("new"), said("t 1.0"), State::Poor);
    check(Some(">=1"), Answer::Absent, State::Bad);
    check(None, Answer::Failed("exit code 1: x".to_owned()), State::Bad);
}

/// With the shell of this machine, as it would be in an image.
#[tokio::test]
async fn one_shell_asks_them_all() {
    let mark = "0123456789ab";
    let good = Tool { program: "echo".to_owned(), args: vec!["it's 1.2.3".to_owned()], wants: None };
    let bad = Tool {
        program: "sh".to_owned(),
        args: vec!["-c".to_owned(), "echo oops >&2; exit 3".to_owned()],
        wants: None,
    };
    let reads = Tool { program: "cat".to_owned(), args: Vec::new(), wants: None };
    let tools = [&good, &tool("no such-program", None), &bad, &reads];
    let shell = Invocation::new("/bin/sh").args(["-c".to_owned(), script(&tools, mark)]);
    let env = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into();
    let local = tokio::task::LocalSet::new();
    let said = local.run_until(crate::process::capture(&shell, &env, PATIENCE, 1 << 20)).await.unwrap();
    let answers = parse(&said.stdout, tools.len(), mark).unwrap();
    assert_eq!(
        answers,
        [
            Answer::Said("it's 1.2.3".to_owned()),
            Answer::Absent,
            Answer::Failed("exit code 3: oops".to_owned()),
            Answer::Said(String::new()),
        ]
    );
    // A program that ended the shell hides what comes after it: that is no answer.
    assert_eq!(parse(&said.stdout, tools.len() + 1, mark), None);
}
