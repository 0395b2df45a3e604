use devflow_protocol::message::{Copy, DescribeResult, Image, ImageOption, ImageStep};

use super::*;
use crate::config;
use crate::error::{Exit, Explain};

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(super) fn asks(stack: &str, member: &str, base: &[&str], options: Vec<ImageOption>) -> Described {
    let image = Some(Image { base: words(base), options });
    let result = DescribeResult { applies: true, image, ..DescribeResult::default() };
    Described { member: member.parse().unwrap(), stack: stack.parse().unwrap(), result }
}

pub(super) fn on_debian(stack: &str, option: ImageOption) -> Described {
    asks(stack, ".", &["debian:bookworm"], vec![option])
}

pub(super) fn packages(packages: &[&str]) -> ImageOption {
    ImageOption { source: "distribution".to_owned(), packages: words(packages), ..ImageOption::default() }
}

fn copies(from: &str, paths: &[&str]) -> ImageOption {
    let copy = vec![Copy { from: from.to_owned(), paths: words(paths) }];
    ImageOption { source: "images".to_owned(), copy, ..ImageOption::default() }
}

fn section(text: &str) -> ImageSection {
    let text = format!("[project]\nstack = []\n[image]\n{text}").into_bytes();
    config::load_text(text, "devflow.toml".as_ref()).unwrap().file.image
}

fn unpinned(_: &str) -> Option<String> {
    None
}

fn with(described: &[Described], image: &str) -> Result<Option<Composed>, ComposeError> {
    compose(&Wishes { described, section: &section(image), pinned: &unpinned })
}

pub(super) fn composed(described: &[Described]) -> Composed {
    with(described, "").unwrap().expect("something to compose")
}

pub(super) fn refused(described: &[Described]) -> String {
    with(described, "").unwrap_err().to_string()
}

fn step(user: Option<&str>, run: &[&str]) -> ImageStep {
    ImageStep { run: words(run), user: user.map(str::to_owned) }
}

fn full() -> ImageOption {
    ImageOption {
        packages: words(&["libx1", "a-tool=1:2.3-4"]),
        links: vec![["/usr/local/x/y".to_owned(), "/usr/local/bin/y".to_owned()]],
        files: vec!["x.toml".parse().unwrap(), "conf/y".parse().unwrap()],
        steps: vec![step(Some("root"), &["y", "install"]), step(None, &["y", "check"])],
        env: [("X_HOME".parse().unwrap(), "/usr/local/x".to_owned())].into(),
        path: words(&["/usr/local/x/bin", "/opt/x"]),
        probe: vec![words(&["y", "--version"])],
        ..copies("h.io/x:1-bookworm", &["/usr/local/x", "/usr/local/bin/x"])
    }
}

#[test]
fn the_whole_text() {
    let described =
        [on_debian("x", full()), asks("b", "apps/web", &["debian:bookworm"], vec![packages(&["libx1"])])];
    let composed = composed(&described);
    let expected = r#"# Composed by dwf of what the extensions say that their stacks need.
# hadolint global ignore=DL3008,DL3059
# DL3008: mirrors forget old versions of packages; what is pinned is the image, by its fingerprint.
# DL3059: each step is a list of words of its own, so that no shell comes between.

FROM h.io/x:1-bookworm AS from-x-1

FROM docker.io/library/debian:bookworm-slim

RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      a-tool=1:2.3-4 \
      ca-certificates \
      libx1 \
      tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1001 --create-home --shell /bin/bash dwf

# x
COPY --from=from-x-1 ["/usr/local/x", "/usr/local/x"]
COPY --from=from-x-1 ["/usr/local/bin/x", "/usr/local/bin/x"]
RUN ["ln", "-s", "--", "/usr/local/x/y", "/usr/local/bin/y"]
ENV X_HOME="/usr/local/x" \
    PATH="/usr/local/x/bin:/opt/x:${PATH}"
COPY ["x.toml", "/opt/devflow/x/1/x.toml"]
COPY ["conf/y", "/opt/devflow/x/1/conf/y"]
WORKDIR /opt/devflow/x/1
RUN ["y", "install"]
USER 1001
RUN ["y", "check"]
USER 0
WORKDIR /

USER 1001
RUN ["y", "--version"]

LABEL org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
WORKDIR /workspace
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["bash"]
"#;
    assert_eq!(composed.text, expected);
    let listed: Vec<String> = composed.images.iter().map(ImageRef::to_string).collect();
    assert_eq!(listed, ["docker.io/library/debian:bookworm-slim", "h.io/x:1-bookworm"]);
    assert_eq!(composed.files, ["conf/y", "x.toml"].map(|file| file.parse().unwrap()).into());
    assert_eq!(composed.stacks, ["b", "x"].map(str::to_owned).into());
}

#[test]
fn the_order_of_the_answers_is_of_no_meaning() {
    let answers = ["b", "a", "c"]
        .map(|stack| on_debian(stack, ImageOption { copy: Vec::new(), links: Vec::new(), ..full() }));
    let mut turned = answers.clone();
    turned.reverse();
    assert_eq!(composed(&answers), composed(&turned));
}

/// A stack's own part, its stages and its probes.
fn without(text: &str, stack: &str) -> String {
    let blocks = text.split("\n\n").filter(|block| {
        !block.starts_with(&format!("# {stack}\n")) && !block.contains(&format!("AS from-{stack}-"))
    });
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    lines.into_iter().filter(|line| !line.contains(&format!("{stack}-probe"))).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stack_changes_its_own_part_only() {
    let option = |stack: &str, version: &str| ImageOption {
        steps: vec![step(None, &["make", version])],
        env: [(format!("{stack}_V").parse().unwrap(), version.to_owned())].into(),
        probe: vec![words(&[&format!("{stack}-probe"), version])],
        ..copies(&format!("{stack}:{version}"), &[&format!("/opt/{stack}")])
    };
    let text = |version: &str| {
        composed(
            &["a", "b", "c"]
                .map(|stack| on_debian(stack, option(stack, if stack == "b" { version } else { "1" }))),
        )
        .text
    };
    let (old, new) = (text("1"), text("2"));
    assert_ne!(old, new);
    assert!(without(&old, "b").len() < old.len() - 100 && without(&old, "b").contains("AS from-c-1"));
    assert_eq!(without(&old, "b"), without(&new, "b"));
    // And what comes before its part is the same, but for the stages.
    let until = |text: &str| text[text.find("apt-get").unwrap()..text.find("# b\n").unwrap()].to_owned();
    assert_eq!(until(&old), until(&new));
}

#[test]
fn members_of_one_stack_ask_once() {
    let option = |more: &str| ImageOption {
        files: Vec::new(),
        steps: vec![step(Some("root"), &["same"]), step(Some("root"), &[more])],
        ..full()
    };
    let member = |dir: &str, more: &str| asks("x", dir, &["debian:bookworm"], vec![option(more)]);
    let text = composed(&[member("a", "one"), member("b", "two")]).text;
    for once in [
        "COPY --from=from-x-1 [\"/usr/local/x\"",
        "\"ln\"",
        "[\"same\"]",
        "[\"one\"]",
        "[\"two\"]",
        "X_HOME=",
        "--version",
    ] {
        assert_eq!(text.matches(once).count(), 1, "{once}\n{text}");
    }
    // Steps that read files run beside their own.
    let member = |dir: &str| asks("x", dir, &["debian:bookworm"], vec![full()]);
    let composed = composed(&[member("a"), member("b")]);
    for line in [
        "COPY [\"a/x.toml\", \"/opt/devflow/x/1/x.toml\"]",
        "COPY [\"b/x.toml\", \"/opt/devflow/x/2/x.toml\"]",
    ] {
        assert!(composed.text.contains(line), "{line}\n{}", composed.text);
    }
    assert_eq!(composed.text.matches("[\"y\", \"install\"]").count(), 2);
    assert_eq!(composed.files.len(), 4);
}

#[test]
fn bases() {
    let fits = |stack: &str, base: &[&str]| asks(stack, ".", base, vec![packages(&[])]);
    let base = |described: &[Described], image: &str| match with(described, image) {
        Ok(Some(composed)) => composed
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("FROM "))
            .next_back()
            .unwrap()
            .to_owned(),
        Ok(None) => "none".to_owned(),
        Err(error) => error.to_string(),
    };
    let two =
        [fits("a", &["debian:trixie", "debian:bookworm"]), fits("b", &["ubuntu:24.04", "debian:bookworm"])];
    assert_eq!(base(&two, ""), "docker.io/library/debian:bookworm-slim");
    assert_eq!(base(&[fits("a", &["alpine:3.20", "ubuntu:24.04"])], ""), "docker.io/library/ubuntu:24.04");
    for own in ["debian:bookworm-slim", "h.io:5000/a/debian:bookworm"] {
        assert_eq!(base(&two, &format!("base = \"{own}\"")), own);
    }
    assert_eq!(
        base(&two, "base = \"debian:trixie-slim\""),
        "the base image debian:trixie-slim is not one that stack b fits: ubuntu:24.04, debian:bookworm"
    );
    let apart = [
        fits("a", &["debian:trixie"]),
        fits("b", &["debian:bookworm", "debian:trixie"]),
        fits("c", &["debian:bookworm"]),
    ];
    assert_eq!(
        base(&apart, ""),
        "there is no base image for both: stack a fits debian:trixie, stack c fits debian:bookworm"
    );
    // Each two of them have one.
    let three = [fits("a", &["x:1", "x:2"]), fits("b", &["x:2", "x:3"]), fits("c", &["x:3", "x:1"])];
    assert!(base(&three, "").starts_with("there is no base image for both: stack a fits x:1, x:2, stack c"));
    assert_eq!(
        base(&[fits("a", &["alpine:3.20"])], ""),
        "dwf does not know how to install packages on alpine:3.20"
    );
    // Without stacks, only where the project asks for it.
    assert_eq!(base(&[], ""), "none");
    assert_eq!(base(&[], "base = \"debian:bookworm-slim\"\npackages = [\"make\"]"), "debian:bookworm-slim");
}

#[test]
fn sources() {
    let both = [on_debian("a", copies("x:1", &["/opt/x"]))];
    let mut both = both;
    both[0].result.image.as_mut().unwrap().options.push(packages(&["from-apt"]));
    let is_apt = |image: &str| with(&both, image).unwrap().unwrap().text.contains("from-apt");
    assert!(is_apt(""));
    assert!(is_apt("sources = [\"distribution\"]"));
    assert!(is_apt("sources = [\"distribution\", \"images\"]"));
    assert!(!is_apt("sources = [\"images\", \"distribution\"]"));
    let one = [on_debian("a", packages(&[]))];
    let error = with(&one, "sources = [\"images\"]").unwrap_err();
    assert_eq!(error.to_string(), "stack a offers no way that `sources` allows: distribution");
    assert_eq!(error.exit(), Exit::Usage);
    let none = [asks("a", ".", &["debian:bookworm"], vec![])];
    assert!(refused(&none).ends_with("none at all"));
}

#[test]
fn pins() {
    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let described = [on_debian("a", copies("h.io/x:1", &["/opt/x"]))];
    let section = section("");
    let pin = |name: &str, digest: &str| {
        let pinned = |asked: &str| (asked == name).then(|| digest.to_owned());
        compose(&Wishes { described: &described, section: &section, pinned: &pinned })
    };
    let base = pin("docker.io/library/debian:bookworm-slim", DIGEST).unwrap().unwrap();
    let from = format!("# docker.io/library/debian:bookworm-slim\nFROM docker.io/library/debian@{DIGEST}\n");
    assert!(base.text.contains(&from), "{}", base.text);
    assert!(base.text.contains(&format!("org.opencontainers.image.base.digest=\"{DIGEST}\"")));
    // What would be pinned stays the name.
    assert_eq!(base.images, composed(&described).images);
    let stage = pin("h.io/x:1", DIGEST).unwrap().unwrap();
    assert!(
        stage.text.contains(&format!("# h.io/x:1\nFROM h.io/x@{DIGEST} AS from-a-1\n")),
        "{}",
        stage.text
    );
    let error = pin("h.io/x:1", "sha256:00\nRUN id").unwrap_err();
    assert!(matches!(error, ComposeError::Digest { .. }), "{error}");
}

#[test]
fn wishes_that_cannot_both_come_true() {
    let link =
        |at: &str, to: &str| ImageOption { links: vec![[to.to_owned(), at.to_owned()]], ..packages(&[]) };
    let env =
        |value: &str| ImageOption { env: [("V".parse().unwrap(), value.to_owned())].into(), ..packages(&[]) };
    for (one, other, what) in [
        (copies("x:1", &["/opt/x"]), copies("x:1", &["/opt/x"]), "/opt/x in the image: stack a says a copy"),
        (copies("x:1", &["/opt/x"]), copies("y:1", &["/opt/x/y"]), "/opt/x/y in the image"),
        (copies("x:1", &["/opt/x/y"]), copies("y:1", &["/opt/x"]), "/opt/x in the image"),
        (copies("x:1", &["/opt/x"]), link("/opt/x", "y"), "stack b says a link at /opt/x to \"y\""),
        (link("/bin/x", "y"), link("/bin/x", "z"), "/bin/x in the image"),
        (env("1"), env("2"), "the variable V of the image: stack a says \"1\", stack b says \"2\""),
        (packages(&["p=1"]), packages(&["p=2"]), "the version of package p: stack a says 1, stack b says 2"),
    ] {
        let error = refused(&[on_debian("a", one), on_debian("b", other)]);
        assert!(error.contains(what) && error.contains("stack a") && error.contains("stack b"), "{error}");
    }
    for (one, other) in [
        (env("1"), env("1")),
        (packages(&["p"]), packages(&["p=2"])),
        (packages(&["p=2"]), packages(&["p"])),
        (copies("x:1", &["/opt/x"]), copies("x:1", &["/opt/xy"])),
    ] {
        composed(&[on_debian("a", one), on_debian("b", other)]);
    }
    let pinned = composed(&[on_debian("a", packages(&["p"])), on_debian("b", packages(&["p=2"]))]);
    assert_eq!(pinned.text.matches(" p=2 ").count(), 1);
    // One stack in two members wants two things in one place; or one answer the same twice.
    let member =
        |dir: &str, from: &str| asks("a", dir, &["debian:bookworm"], vec![copies(from, &["/opt/x"])]);
    assert!(refused(&[member("m", "x:1"), member("n", "x:2")]).contains("stack a in m says"));
    assert!(refused(&[on_debian("a", copies("x:1", &["/opt/x", "/opt/x"]))]).contains("/opt/x in the image"));
    // The project's own packages count as well.
    let error = with(&[on_debian("a", packages(&["p=1"]))], "packages = [\"p=2\"]").unwrap_err();
    assert_eq!(error.to_string(), "the version of package p: stack a says 1, devflow.toml says 2");
    assert_eq!(error.exit(), Exit::Usage);
}
