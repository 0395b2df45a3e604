use super::{Sources, exclusions, sources};

fn check(text: &str, expected: &[&str]) {
    let expected = expected.iter().map(|&pattern| pattern.to_owned()).collect();
    assert_eq!(sources(text), Sources::Some(expected), "{text}");
}

fn check_whole(text: &str, because: &str) {
    match sources(text) {
        Sources::Whole(reason) => assert!(reason.contains(because), "{text}: {reason}"),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn sources_of_the_context() {
    check("FROM debian\nRUN apt-get update && echo $HOME\nENV A=${B}\n", &[]);
    check("from a\ncopy x y /to/\nAdd ./z//q /to\n", &["x", "y", "z/q"]);
    check("FROM a\r\nCOPY /x /to\r\n", &["x"]);
    check("FROM a\nCOPY \\\n  # a comment\n\n  x \\ \n  /to\nRUN true", &["x"]);
    check("FROM a AS b\nCOPY --from=b / /\nCOPY --chown=$U:$G --chmod=644 --link x /to\n", &["x"]);
    check("FROM a\nCOPY [\"a b\", \"c\", \"/to\"]\nADD https://h/x http://h/y d /to\n", &["a b", "c", "d"]);
    check(
        "FROM a\nCOPY *.lock p?c src/[a-z]x {a} /to/\n",
        &["*.lock", "*.lock/**", "p*c", "p*c/**", "src/*", "src/*/**", r"\{a\}"],
    );
    check("FROM a\nCOPY --parents src/**/x.toml /to\n", &["src/**"]);
    check("# syntax=docker/dockerfile:1.7\n# check=skip=all\nFROM a\nCOPY x /to\n", &["x"]);
    check("FROM a\n# syntax=other/thing\n", &[]);
    check("FROM a\nRUN --mount=type=cache,target=/c --mount=from=b,target=/d --network=none true\n", &[]);
}

#[test]
fn what_is_not_understood_takes_all() {
    for (line, because) in [
        ("COPY . /to", "whole context"),
        ("COPY / /to", "whole context"),
        ("COPY ./ x /to", "whole context"),
        ("COPY $X /to", "variable"),
        ("COPY ${X}/a /to", "variable"),
        ("COPY a\\ b /to", "escape"),
        ("COPY \"a b\" /to", "quotes"),
        ("COPY ../a /to", ".."),
        ("COPY [\"a\", /to", "list"),
        ("COPY [\"$A\", \"/to\"]", "variable"),
        ("COPY a", "no source"),
        ("COPY <<EOF /to\nCOPY b /c\nEOF", "here-document"),
        ("COPY --from=$X a /to", "flag"),
        ("COPY --novelty a /to", "--novelty"),
        ("RUN --mount=target=/src make", "mounts the context"),
        ("RUN --mount=type=bind,source=x,target=/src make", "mounts the context"),
        ("RUN --mount=type=bind,from=,target=/src make", "mounts the context"),
        ("RUN --mount=type=$T,target=/src make", "variable"),
        ("RUN --mount type=bind,target=/src make", "--mount"),
        ("RUN --novelty make", "--novelty"),
        ("RUN <<EOF\nmake\nEOF", "here-document"),
        ("ONBUILD COPY a /to", "ONBUILD"),
        ("INCLUDE x", "INCLUDE"),
        ("RUN echo \\\\\nCOPY a /to", "two backslashes"),
    ] {
        check_whole(&format!("FROM a\n{line}\n"), because);
    }
    check_whole("# escape=`\nFROM a\n", "escape");
    check_whole("# syntax=docker/dockerfile-upstream:master\nFROM a\n", "syntax");
    check_whole("#syntax = me/mine\nFROM a\n", "me/mine");
}

#[test]
fn what_is_ignored_for_certain() {
    for (text, expected) in [
        ("# comment\n/target/\n\n **/*.log \n./a/b\n", vec!["target", "**/*.log", "a/b"]),
        ("*\n!src\n", vec![]),
        ("a\n!a/b\nc\n", vec!["c"]),
        ("a\\b\n[ab]\n../x\n.\n{a}*\n", vec![r"\{a\}*"]),
        ("**\n", vec!["**"]),
    ] {
        assert_eq!(exclusions(text), expected, "{text}");
    }
}
