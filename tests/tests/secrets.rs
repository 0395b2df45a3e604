//! Secrets reach the actions that download, and nobody else: no command line, no engine, no disk, no
//! output, no other action.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox, Spec, append, edit, give};

/// A file of credentials, in two parts, so that this program's own text is not found by the tests.
const FILE: (&str, &str) = ("s3cret-file-", "4711aa\nsecond-line-0815");
/// A token.
const TOKEN: (&str, &str) = ("s3cret-token-", "4712bb");

const CONFIG: &str = r#"[project]
name  = "private"
stack = ["fetcher"]

[container]
image = "docker.io/library/debian:bookworm-slim"

[targets]
pr = ["setup:deps", "setup:more", "test:unit"]

[secrets.credentials]
file = "~/.fetcher/credentials"

[secrets.registry-token]
env      = "REGISTRY_TOKEN"
commands = ["setup:deps"]

[secrets.extra]
file     = "~/.some/extra"
required = false
"#;

/// Fetches from a registry that wants the token, and tells all it knows in as many pieces as it can.
const FETCH: &str = r#"
[ -n "$BASH" ] || exec bash "$0"
cat "$FETCHER_HOME/credentials" || exit 3
echo; echo "token=$REGISTRY_TOKEN"
stat -c 'mode=%a' "$FETCHER_HOME/credentials"
printf '%s' "$REGISTRY_TOKEN" | while IFS= read -r -n 1 letter; do printf '%s' "$letter"; sleep 0.01; done
echo; sleep 0.2; echo "extra=$(ls ~/.some 2>/dev/null | wc -l)" "$REGISTRY_TOKEN" >&2
if [ -e address ]; then
    perl -MIO::Socket::INET -e '
        open F, "address"; chomp(my $to = <F>);
        my $s = IO::Socket::INET->new(PeerAddr => $to, Timeout => 10) or die "no registry: $!";
        print $s "GET /package HTTP/1.0\r\nauthorization: Bearer $ENV{REGISTRY_TOKEN}\r\n\r\n";
        print while <$s>' || exit 4
fi
touch ready
while [ ! -e go ]; do sleep 0.05; done
"#;

const MORE: &str = r#"
echo "more: token=${REGISTRY_TOKEN-none} file=$(wc -c <"$FETCHER_HOME/credentials")"
"#;

/// Looks wherever a secret could be found.
const CHECK: &str = r#"
echo "check: token=${REGISTRY_TOKEN-none} agent=${SSH_AUTH_SOCK-none} proxy=${HTTPS_PROXY-none} ca=${FETCHER_CERTIFICATES-none}"
for place in "$FETCHER_HOME/credentials" ~/.some; do if [ -e "$place" ]; then exit 5; fi; done
first=s3cret
if grep -lsra "$first-\(file\|token\)-47" /proc/[0-9]*/environ /proc/[0-9]*/cmdline "$HOME" /cache /run /tmp; then exit 6; fi
echo "check: nothing found"
"#;

fn both((first, second): (&str, &str)) -> String {
    format!("{first}{second}")
}

/// A project whose user has a file of credentials.
struct Place {
    sandbox: Sandbox,
    project: PathBuf,
}

impl Place {
    fn new(engine: Engine) -> Self {
        Self::of(Sandbox::new(engine))
    }

    fn of(sandbox: Sandbox) -> Self {
        let fixture = devflow_tests::repository().join("tests/fixtures/devflow-ext-fetcher");
        let text = std::fs::read_to_string(fixture).expect("the extension");
        sandbox.program("bin/devflow-ext-fetcher", &text);
        for (name, text) in
            [("devflow.toml", CONFIG), ("fetch.sh", FETCH), ("more.sh", MORE), ("check.sh", CHECK)]
        {
            sandbox.write(&format!("project/{name}"), text);
        }
        let project = sandbox.path().join("project");
        let own = sandbox.write("own/credentials", &both(FILE));
        let config = format!(
            "[secrets.credentials]\nprojects = [{project:?}]\nfrom_file = {own:?}\n\n[secrets.unused]\nfrom_env = \"X\"\n"
        );
        sandbox.write("config/devflow/config.toml", &config);
        Self { sandbox, project }
    }

    fn dwf(&self, words: &[&str]) -> Spec {
        let config = self.sandbox.path().join("config");
        let spec = self.sandbox.dwf(&self.project, words.iter().copied());
        spec.env("XDG_CONFIG_HOME", &config.to_string_lossy()).env("DWF_SECRET_REGISTRY_TOKEN", &both(TOKEN))
    }

    fn user_config(&self, more: &str) {
        append(&self.sandbox.path().join("config/devflow/config.toml"), more);
    }

    fn wait_for(&self, name: &str, started: &mut devflow_tests::Started) {
        while !self.project.join(name).exists() {
            if started.child.try_wait().expect("its state").is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Fails where the sandbox has a secret on disk, except where its user put it.
    fn nothing_on_disk(&self) {
        for (first, second) in [FILE, TOKEN] {
            let text = both((first, second.lines().next().unwrap_or_default()));
            let path = self.sandbox.path().to_string_lossy().into_owned();
            let found = Spec::new("grep").args(["-rlasF", "--exclude-dir=own", "-e", &text, &path]).run();
            assert_eq!(found.stdout, "", "on disk");
        }
    }
}

#[track_caller]
fn hides(text: &str) {
    for secret in
        [both(FILE).lines().next().unwrap_or_default().to_owned(), both(TOKEN), "second-line-0815".into()]
    {
        assert!(!text.contains(&secret), "{secret} is shown:\n{text}");
    }
}

/// A registry of packages that gives nothing without the token.
fn registry() -> String {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut request = String::new();
            while reader.read_line(&mut request).is_ok_and(|count| count > 2) {}
            let known = request.contains(&format!("authorization: Bearer {}\r\n", both(TOKEN)));
            let answer = if known { "200 OK\r\n\r\nthe package" } else { "401 Unauthorized\r\n\r\nno" };
            let _ = writeln!(&stream, "HTTP/1.0 {answer}");
        }
    });
    // The address of this machine that others see; nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("198.51.100.1:9").expect("a network");
    format!("{}:{port}\n", socket.local_addr().expect("an address").ip())
}

/// What any user of this machine can read of its processes, and what an engine tells.
fn in_sight(engine: Engine, sandbox: &Sandbox) -> String {
    let mut seen = String::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let line = String::from_utf8_lossy(&read("cmdline")).into_owned();
        let program =
            line.split('\0').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        seen.push_str(&line);
        // The clients and helpers of engines inherit nothing of it.
        if ["docker", "podman", "conmon", "slirp4netns", "rootlessport"].contains(&program.as_str()) {
            seen.push_str(&String::from_utf8_lossy(&read("environ")));
        }
    }
    let path = sandbox.path().to_string_lossy().into_owned();
    let mut own = 0;
    for name in engine.containers() {
        let told = engine.client().args(["inspect", &name]).run().stdout;
        if told.contains(&path) {
            own += 1;
            seen.push_str(&told);
        }
    }
    assert!(own > 0 && seen.contains(&path), "the container was not seen");
    seen
}

/// One whole run, looked at from everywhere.
fn run(engine: Engine, more: &str) -> Run {
    let place = Place::new(engine);
    edit(&place.project.join("devflow.toml"), "[targets]", &format!("{more}\n[targets]"));
    std::fs::write(place.project.join("address"), registry()).expect("an address");
    let trace = place.sandbox.path().join("home/trace.jsonl");
    let words = ["verify", "-v", "--engine", engine.name(), "--trace-ext", &trace.to_string_lossy()];
    let mut started = place.dwf(&words).env("RUST_LOG", "devflow=trace").start();
    place.wait_for("ready", &mut started);
    hides(&in_sight(engine, &place.sandbox));
    place.nothing_on_disk();
    std::fs::write(place.project.join("go"), "").expect("a file");
    let run = started.wait();
    run.expect(0).says("3 passed, 0 failed");
    hides(&run.to_string());
    run.says("\n***\n***\ntoken=***\nmode=600\n***\n").says("extra=0 ***").says("the package");
    run.says("more: token=none file=35").says("check: token=none").says("check: nothing found");
    run.says("the secret extra is not there, and not required");
    place.nothing_on_disk();
    for words in [["plan", "--json"].as_slice(), &["plan"]] {
        let plan = place.dwf(words).run();
        plan.expect(0);
        hides(&plan.to_string());
        assert!(plan.stdout.contains("registry-token"), "{plan}");
    }
    run
}

#[test]
fn docker() {
    run(Engine::Docker, "");
}

#[test]
fn podman() {
    run(Engine::Podman, "");
}

#[test]
fn rootless() {
    run(Engine::Rootless, "");
}

/// Without a session each action has a container of its own.
#[test]
fn each_action_alone() {
    run(Engine::Docker, "session = false\n");
    run(Engine::Podman, "session = false\n");
}

#[test]
fn on_the_host() {
    let place = Place::of(Sandbox::without_engine());
    let see = "env | sort | tr '\\n' ' '\necho \"token=$REGISTRY_TOKEN\"\n";
    std::fs::write(place.project.join("fetch.sh"), see).expect("a script");
    std::fs::write(place.project.join("more.sh"), "echo \"more=${REGISTRY_TOKEN-none}\"\n")
        .expect("a script");
    std::fs::write(place.project.join("check.sh"), format!("{see}echo \"check=${{REGISTRY_TOKEN-none}}\"\n"))
        .expect("a script");
    let spec = place.dwf(&["verify", "-v", "--profile", "host"]).env("FETCHER_PLACE", "/opt/tools");
    let spec =
        spec.env("FETCHER_FLAGS", "--fast").env("AWS_SOMETHING", "leaked").env("SSH_AUTH_SOCK", "/leaked");
    let run = spec.env("HTTPS_PROXY", "http://me:prox1-pass@proxy.example.org:3128").run();
    run.expect(0).says("token=***").says("more=none").says("check=none").says("FETCHER_PLACE=/opt/tools");
    run.says("HTTPS_PROXY=http://***@proxy.example.org:3128 ");
    run.says("the secret credentials is a file: on the host, actions find your own ~/.fetcher/credentials");
    run.says("FETCHER_FLAGS is set here").says("pass_env = [\"FETCHER_FLAGS\"]");
    assert_eq!(run.stderr.matches("FETCHER_FLAGS is set here").count(), 1, "{run}");
    hides(&run.to_string());
    for leaked in ["leaked", "--fast", "prox1-pass", "DWF_"] {
        assert!(!run.stderr.contains(leaked), "{leaked}: {run}");
    }
    assert_eq!(run.stderr.matches("HTTPS_PROXY=").count(), 1, "only what downloads sees it: {run}");
}

/// Nothing runs without a secret that is required, and nobody but the user says where it comes from.
#[test]
fn refusals() {
    let place = Place::of(Sandbox::without_engine());
    let config = place.project.join("devflow.toml");
    let check = |words: &[&str], code: i32, says: &[&str]| {
        let run = place.dwf(words).run();
        run.expect(code);
        for text in says {
            run.says(text);
        }
        hides(&run.to_string());
        assert!(!place.project.join("ready").exists(), "{run}");
        run
    };
    let verify = ["verify", "--profile", "host"];

    let without = place.dwf(&verify).without_env("DWF_SECRET_REGISTRY_TOKEN").run();
    without.expect(2).says("the secret `registry-token` is wanted, and nobody says what it is");
    without.says("set DWF_SECRET_REGISTRY_TOKEN, or say in ").says("[secrets.registry-token] projects = [");

    let own = place.sandbox.path().join("config/devflow/config.toml");
    let saved = std::fs::read_to_string(&own).expect("the user's file");
    let refused = |new: &str, code: i32, says: &str| {
        std::fs::write(&own, new).expect("the user's file");
        check(&verify, code, &[says]);
    };
    let project = place.project.to_string_lossy();
    refused(&saved.replace(&*project, "/elsewhere"), 2, "the secret `credentials` is not for this project");
    refused(&saved.replace("own/credentials", "own/none"), 2, "No such file");
    refused(&saved.replace("from_file", "from_env = \"Y\"\nfrom_file"), 2, "has no single source");
    refused(&saved.replace("from_file", "from_fil"), 2, "unknown key `from_fil`");
    std::fs::write(&own, &saved).expect("the user's file");

    let good = std::fs::read_to_string(&config).expect("the project's file");
    for (old, new, says) in [
        ("required = false", "from_file = \"/etc/shadow\"", "`from_file` is not a project's to set"),
        ("required = false", "from_command = [\"sh\"]", "`from_command` is not a project's to set"),
        ("[targets]", "[network]\nhttp_proxy = \"x\"\n[targets]", "`network` is not a project's to set"),
        ("commands = [\"setup:deps\"]", "commands = [\"test:unit\"]", "fetcher/test:unit does not download"),
        (
            "commands = [\"setup:deps\"]",
            "commands = [\"setup:dep\"]",
            "no stack of this project offers `setup:dep`",
        ),
        ("\"~/.some/extra\"", "\"/etc/passwd\"", "this is a file below `~/`"),
        ("\"~/.some/extra\"", "\"~/../x\"", "this is a file below `~/`"),
        (
            "\"~/.some/extra\"",
            "\"~/.fetcher/credentials\"",
            "two secrets are to be in ~/.fetcher/credentials",
        ),
        ("\"REGISTRY_TOKEN\"", "\"LD_PRELOAD\"", "is no variable that a secret can be in"),
        ("required = false", "env = \"X\"", "a secret has one target"),
        ("[secrets.extra]", "[secrets.Ex_tra]", "a secret's name has small letters"),
    ] {
        assert!(good.contains(old), "{old}");
        std::fs::write(&config, good.replacen(old, new, 1)).expect("the project's file");
        check(&verify, 2, &[says, "--> devflow.toml:"]);
    }
}

/// A password manager is a command; a value too short to be hidden is told.
#[test]
fn other_sources() {
    let place = Place::of(Sandbox::without_engine());
    for name in ["fetch.sh", "more.sh", "check.sh"] {
        std::fs::write(place.project.join(name), "echo \"token=[$REGISTRY_TOKEN]\"\n").expect("a script");
    }
    let verify = ["verify", "-v", "--profile", "host"];
    let sources = |source: &str| format!("[secrets.registry-token]\nprojects = [\"/\"]\n{source}\n");
    let own = place.sandbox.path().join("config/devflow/config.toml");
    let saved = std::fs::read_to_string(&own).expect("the user's file");
    for (source, says) in [
        ("from_command = [\"printf\", '%s\\n', \"of-a-command\"]", "token=[***]"),
        ("from_env = \"MINE\"", "token=[***]"),
        ("from_command = [\"printf\", \"short\"]", "token=[short]"),
    ] {
        std::fs::write(&own, format!("{saved}{}", sources(source))).expect("the user's file");
        let spec =
            place.dwf(&verify).without_env("DWF_SECRET_REGISTRY_TOKEN").env("MINE", "of-the-environment");
        let run = spec.run();
        run.expect(0).says(says);
        assert_eq!(run.stderr.contains("is shorter than 6 characters"), says.contains("short"), "{run}");
    }
    std::fs::write(&own, format!("{saved}{}", sources("from_command = [\"false\"]")))
        .expect("the user's file");
    let run = place.dwf(&verify).without_env("DWF_SECRET_REGISTRY_TOKEN").run();
    run.expect(2).says("the secret `registry-token` cannot be had: false exited with 1");
}

/// Asks an agent for its keys, by the wire that SSH agents speak.
const ASK_AGENT: &str = r#"
perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}) or die "no agent: $!";
    print $s pack("NC", 1, 11); $s->flush;
    read($s, my $answer, 9) == 9 or die "silent";
    my (undef, $type, $keys) = unpack("NCN", $answer);
    print "agent=$type keys=$keys\n"'
"#;

fn agent(engine: Engine) {
    let place = Place::new(engine);
    let socket = place.sandbox.path().join("home/agent.sock");
    let path = socket.to_string_lossy().into_owned();
    let mut ssh_agent = Spec::new("ssh-agent").args(["-D", "-a", &path]).user(engine.user()).start();
    while !socket.metadata().is_ok_and(|meta| meta.file_type().is_socket()) {
        assert!(ssh_agent.child.try_wait().expect("its state").is_none(), "ssh-agent has left");
        std::thread::sleep(Duration::from_millis(10));
    }
    let config = CONFIG.split("[secrets.").next().unwrap_or_default();
    let config = format!("{config}[secrets.git]\nssh_agent = true\ncommands = [\"setup:deps\"]\n");
    std::fs::write(place.project.join("devflow.toml"), config).expect("the project's file");
    std::fs::write(place.project.join("fetch.sh"), ASK_AGENT).expect("a script");
    let more = "echo \"more: ${SSH_AUTH_SOCK-none}\"\n";
    std::fs::write(place.project.join("more.sh"), more).expect("a script");
    let check = "echo \"check: ${SSH_AUTH_SOCK-none} $(ls /run/dwf-ssh-agent 2>&1)\"\n";
    std::fs::write(place.project.join("check.sh"), check).expect("a script");
    let spec = place.dwf(&["verify", "-v", "--engine", engine.name()]).env("SSH_AUTH_SOCK", &path);

    spec.run().expect(2).says("[secrets.git] projects = [").says("ssh_agent = true");
    place.user_config(&format!("\n[secrets.git]\nprojects = [{:?}]\nssh_agent = true\n", place.project));
    let run = spec.run();
    run.expect(0).says("agent=12 keys=0").says("more: none").says("check: none ").says("No such file");
    spec.without_env("SSH_AUTH_SOCK").run().expect(2).says("SSH_AUTH_SOCK is not set");
    ssh_agent.child.kill().expect("its end");
    ssh_agent.child.wait().expect("its end");
}

#[test]
fn the_ssh_agent_docker() {
    agent(Engine::Docker);
}

#[test]
fn the_ssh_agent_podman() {
    agent(Engine::Podman);
}

#[test]
fn the_ssh_agent_rootless() {
    agent(Engine::Rootless);
}

/// Somebody else's container cannot use the agent, and that is said.
#[test]
fn the_ssh_agent_of_somebody_else() {
    let place = Place::new(Engine::Docker);
    let path = place.sandbox.path().join("home/agent.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let config = CONFIG.split("[secrets.").next().unwrap_or_default();
    let config = format!("{config}[secrets.git]\nssh_agent = true\n");
    std::fs::write(place.project.join("devflow.toml"), config).expect("the project's file");
    give(&place.project, Engine::Rootless.user());
    place.user_config("\n[secrets.git]\nprojects = [\"/\"]\nssh_agent = true\n");
    let spec = place.dwf(&["verify", "--engine", "docker"]).env("SSH_AUTH_SOCK", &path.to_string_lossy());
    spec.run().expect(3).says("your SSH agent, cannot be used here");
}

/// A company's network: what downloads is told, nothing else is.
#[test]
fn proxies_and_certificates() {
    let place = Place::new(Engine::Docker);
    let config = CONFIG.split("[secrets.").next().unwrap_or_default();
    std::fs::write(place.project.join("devflow.toml"), config).expect("the project's file");
    let bundle = place.sandbox.write("own/company.pem", "the certificates\n");
    place.user_config(&format!(
        "\n[network]\nhttps_proxy = \"http://me:prox1-pass@proxy.example.org:3128\"\nno_proxy = \"localhost\"\nca_bundle = {bundle:?}\n"
    ));
    let see =
        "echo \"fetch: $HTTPS_PROXY $https_proxy $NO_PROXY $SSL_CERT_FILE $(cat $FETCHER_CERTIFICATES)\"\n";
    std::fs::write(place.project.join("fetch.sh"), see).expect("a script");
    std::fs::write(place.project.join("more.sh"), "true\n").expect("a script");
    // Docker's own client would tell every container its proxies.
    let docker = r#"{"proxies": {"default": {"httpProxy": "http://me:d0cker-pass@other.example.org:1"}}}"#;
    let docker = place.sandbox.write("config/docker/config.json", docker);
    let check = "echo \"check: [$HTTP_PROXY$http_proxy] ${HTTPS_PROXY-none} $(ls /run)\"\n";
    std::fs::write(place.project.join("check.sh"), check).expect("a script");
    let folder = docker.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let spec = place.dwf(&["verify", "-v", "--engine", "docker"]).env("DOCKER_CONFIG", &folder);
    let run = spec.env("RUST_LOG", "devflow=debug").run();
    let proxy = "http://***@proxy.example.org:3128";
    run.expect(0)
        .says(&format!("fetch: {proxy} {proxy} localhost /run/dwf-certificates.pem the certificates"));
    run.says("check: [] none ");
    for secret in ["prox1-pass", "d0cker-pass"] {
        assert!(!run.stderr.contains(secret), "{run}");
    }
    let run = place.dwf(&["doctor"]).env("DOCKER_CONFIG", &folder).run();
    assert!(run.stdout.contains("puts HTTP_PROXY, http_proxy into containers"), "{run}");
}

/// A build downloads too; its image and its history know nothing of the way.
#[test]
fn a_build_behind_a_proxy() {
    for engine in [Engine::Docker, Engine::Podman] {
        let place = Place::new(engine);
        let name = format!("localhost/dwf-tests-proxy-{}", std::process::id());
        let config = CONFIG.split("[secrets.").next().unwrap_or_default();
        let config = config.replace("docker.io/library/debian:bookworm-slim", &name);
        std::fs::write(place.project.join("devflow.toml"), config).expect("the project's file");
        let dockerfile = "FROM debian:bookworm-slim\nRUN echo \"$HTTP_PROXY\" | md5sum >/seen\n";
        std::fs::write(place.project.join("Dockerfile.devflow"), dockerfile).expect("a Dockerfile");
        let proxy = "http://me:bu1ld-pass@127.0.0.1:9";
        place.user_config(&format!("\n[network]\nhttp_proxy = \"{proxy}\"\n"));
        let spec = place.dwf(&["image", "build", "--engine", engine.name()]).env("RUST_LOG", "devflow=debug");
        let run = spec.run();
        run.expect(0);
        assert!(!run.to_string().contains("bu1ld-pass"), "{run}");
        let image = run.stdout.split_whitespace().next().unwrap_or_default().to_owned();
        let client = |words: &[&str]| engine.client().args(words.iter().copied()).run();
        let told = client(&["history", "--no-trunc", &image]).stdout + &client(&["inspect", &image]).stdout;
        let seen = client(&["run", "--rm", &image, "cat", "/seen"]).stdout;
        client(&["rmi", "--force", &image]);
        assert!(told.contains("md5sum") && !told.contains("bu1ld-pass"), "{told}");
        let expected = Spec::new("sh").args(["-c", &format!("echo '{proxy}' | md5sum")]).run().stdout;
        assert_eq!(seen, expected);
    }
}
