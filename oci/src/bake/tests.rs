use super::{BakeError, File, Target};

fn file(text: &str) -> File {
    File::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn target(text: &str) -> Result<Target, BakeError> {
    let file = file(text);
    file.target(file.chosen().expect("a target"))
}

/// What stands in the target `ci`, and how its refusal ends.
fn check_refused(body: &str, expected: &str) {
    let error = target(&format!("target \"ci\" {{\n{body}\n}}")).unwrap_err().to_string();
    assert!(error.ends_with(expected), "{body}: {error}");
}

#[test]
fn what_counts() {
    let text = r#"
        variable "SUITE" { default = "bookworm" }
        variable "BASE" { default = "debian:${SUITE}-slim" }
        variable "UNSET" {}
        group "default" { targets = ["ci"] }
        target "_base" {
          context = "./images//ci/"
          args = { BASE = BASE, N = 3, ON = true, NONE = null, UNSET = UNSET, "QUOTED" = "a ${SUITE}" }
        }
        target "ci" {
          inherits = ["_base"]
          dockerfile = "Dockerfile.ci"
          target = "final"
          tags = [notequal("", BASE) ? "a" : lower("B")]
          platforms = ["linux/amd64", "linux/arm64"]
          output = ["type=image,compression=zstd"]
        }
        target "app" { secret = ["id=x"] }
    "#;
    let args = [
        ("BASE", "debian:bookworm-slim"),
        ("N", "3"),
        ("ON", "true"),
        ("QUOTED", "a bookworm"),
        ("UNSET", ""),
    ];
    let expected = Target {
        name: "ci".to_owned(),
        dockerfile: "images/ci/Dockerfile.ci".to_owned(),
        context: "images/ci".to_owned(),
        stage: Some("final".to_owned()),
        args: args.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    assert_eq!(target(text), Ok(expected));
}

#[test]
fn the_target_is_chosen() {
    let targets = "target \"a\" {}\ntarget \"default\" {}\n";
    for (text, expected) in [
        ("target \"ci\" {}\ngroup \"default\" { targets = [\"a\"] }\n", Some("ci")),
        ("group \"default\" { targets = [\"a\"] }\n", Some("a")),
        ("group \"default\" { targets = [\"a\", \"default\"] }\n", Some("default")),
        ("group \"default\" { targets = [\"gone\"] }\n", Some("default")),
        ("", Some("default")),
    ] {
        assert_eq!(file(&format!("{targets}{text}")).chosen(), expected, "{text}");
    }
    assert_eq!(file("target \"app\" {}").chosen(), None);
    assert_eq!(file("").chosen(), None);
}

#[test]
fn what_reaches_further_is_refused() {
    for attribute in
        ["secret", "ssh", "contexts", "cache-to", "cache-from", "entitlements", "network", "matrix"]
    {
        check_refused(
            &format!("  context = \".\"\n  {attribute} = [\"x\"]"),
            &format!(
                "(line 3) has `{attribute}`, and only dockerfile, context, target and args are honoured"
            ),
        );
    }
    for output in
        ["type=local,dest=out", "type=tar", "out", "type=docker,dest=x.tar", "type=image,\\\"dest=x\\\""]
    {
        check_refused(
            &format!("output = [\"{output}\"]"),
            "(line 2) has `output`, which writes outside the engine",
        );
    }
    for path in [
        "..",
        "/",
        "/etc",
        "a/../..",
        "https://h/x.git",
        "git@h:x",
        "-",
        "target:x",
        "github.com/a/b",
        "a\\u0000",
        "",
    ] {
        check_refused(&format!("context = \"{path}\""), "has `context`, which is no path inside the project");
        check_refused(
            &format!("dockerfile = \"{path}\""),
            "has `dockerfile`, which is no path inside the project",
        );
    }
    check_refused("context = { a = 1 }", "which is no text");
    check_refused("args = [1]", "which is no table of texts");
    check_refused("args = { A = [1] }", "which is no table of texts");
    check_refused("args = { \"A=B\" = 1 }", "which is no table of texts");
    check_refused("args { A = 1 }", "has `args`, which is a block, and dwf honours none");
    check_refused(
        "args = { A = timestamp() }",
        "(line 2) has `args`, which calls the function timestamp, and dwf calls none",
    );
    check_refused(
        "args = { A = \"${file(\"/etc/passwd\")}\" }",
        "which calls the function file, and dwf calls none",
    );
    check_refused("args = { A = [for x in [1, 2] : x] }", "which is more than texts, lists and variables");
    check_refused("args = { A = HOME }", "which cannot be evaluated: undefined variable `HOME`");
}

#[test]
fn bad_files() {
    for (text, expected) in [
        ("target \"ci\" {", "it is not a bake file"),
        ("\u{0}", "it is not a bake file"),
        ("target \"ci\" {}\ntarget \"ci\" {}", "target ci is there twice"),
    ] {
        let error = File::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    for (text, expected) in [
        ("target \"ci\" { inherits = [\"ci\"] }", "the target ci inherits itself"),
        ("target \"ci\" { inherits = [\"gone\"] }", "it has no target gone"),
    ] {
        assert!(target(text).unwrap_err().to_string().ends_with(expected), "{text}");
    }
    for piece in ["[", "{", "(", "!", "-", "${", "a ? ", "%{if true}", "<<A\n"] {
        let text = format!("a = {}", piece.repeat(20_000));
        drop(File::parse(&text));
        drop(File::parse(&format!("a = \"{}\"", piece.repeat(20_000))));
    }
}

#[test]
fn variables_do_not_grow_without_bound() {
    let mut text = "variable \"A0\" { default = \"0123456789\" }\n".to_owned();
    for n in 0..40 {
        text.push_str(&format!("variable \"A{}\" {{ default = \"${{A{n}}}${{A{n}}}\" }}\n", n + 1));
    }
    text.push_str("target \"ci\" { args = { A = A40 } }\n");
    assert!(target(&text).unwrap_err().to_string().contains("undefined variable `A40`"));
}
