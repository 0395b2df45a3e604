//! One running extension.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use devflow_protocol::client::{Client, ClientError, Limits, LogEvent, Logs};
use devflow_protocol::message::{
    DescribeParams, DescribeResult, InitializeParams, InitializeResult, LogParams, Party, Resolution,
    ResolveParams,
};
use devflow_protocol::name::ExtensionName;
use devflow_protocol::{COOKIE, PROTOCOLS, limits};
use nix::sys::signal::Signal;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::{ExtensionError, Problem};
use crate::discover::Found;
use crate::launch::{Launch, Launcher};
use crate::process::{self, Adoption, Process};
use crate::ring::Ring;
use crate::transcript::Recorder;
use crate::world::World;

/// Variables that an extension sees, besides `LC_*` and `XDG_*`.
const PASSED: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ"];

/// How long a broken extension has to show how it ends.
const ENDING: Duration = Duration::from_millis(300);

/// What every extension is started with.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// What it may cost.
    pub limits: Limits,
    /// What starts it, and how far it is trusted.
    pub launcher: Rc<Launcher>,
    /// What hears the conversation.
    pub recorder: Option<Recorder>,
    /// Ends what extensions leave behind when this context and the last of them have gone.
    adoption: Rc<Adoption>,
}

impl Context {
    /// The context for a project; `initialize` and `request` are the user's own deadlines.
    pub fn new(world: &World, initialize: Option<u64>, request: Option<u64>, launcher: Launcher) -> Self {
        let mut env = environment(world);
        env.insert("PATH".to_owned(), launcher.search_path());
        let limits = deadlines(initialize, request);
        let adoption = Rc::new(Adoption::begin(COOKIE));
        Self { env, limits, launcher: Rc::new(launcher), recorder: None, adoption }
    }
}

/// What an extension sees of the user's environment, and what dwf adds.
pub fn environment(world: &World) -> BTreeMap<String, String> {
    let passed = |name: &str| PASSED.contains(&name) || name.starts_with("LC_") || name.starts_with("XDG_");
    let own = world.env.iter().filter(|(name, _)| passed(name)).map(|(k, v)| (k.clone(), v.clone()));
    let spoken = PROTOCOLS.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let more = [(COOKIE, spoken.as_str()), ("NO_COLOR", "1"), ("PYTHONUNBUFFERED", "1"), ("PYTHONUTF8", "1")];
    own.chain(more.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The limits of the protocol, with the user's own deadlines in seconds.
pub fn deadlines(initialize: Option<u64>, request: Option<u64>) -> Limits {
    let mut limits = Limits::default();
    limits.initialize = initialize.map_or(limits.initialize, Duration::from_secs);
    limits.request = request.map_or(limits.request, Duration::from_secs);
    limits
}

/// An extension that was started and has introduced itself.
pub struct Extension {
    found: Found,
    process: Process,
    client: Client,
    stderr: Ring,
    logs: Rc<RefCell<Vec<LogParams>>>,
    /// What it said of itself.
    pub info: InitializeResult,
    /// Goes last: what is left of it is looked for when it has ended.
    _adoption: Rc<Adoption>,
}

/// What an extension had to say besides its answers.
#[derive(Debug, Default)]
pub struct Words {
    /// Its `log` lines.
    pub logs: Vec<LogParams>,
    /// The end of what it wrote to standard error.
    pub stderr: Vec<String>,
}

/// Keeps the log lines as they come; the protocol's own limits bound them.
fn collect(mut logs: Logs) -> Rc<RefCell<Vec<LogParams>>> {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let into = Rc::clone(&kept);
    tokio::task::spawn_local(async move {
        while let Some(event) = logs.next().await {
            if let LogEvent::Line(line) = event {
                into.borrow_mut().push(line);
            }
        }
    });
    kept
}

impl Extension {
    /// Starts an extension and agrees on a version with it.
    pub async fn start(launch: Launch, context: &Context) -> Result<Self, ExtensionError> {
        let found = launch.found.clone();
        let failed = |problem| ExtensionError {
            name: found.name.clone(),
            path: found.path.clone(),
            problem,
            asked: None,
            ending: None,
            last_words: Vec::new(),
        };
        let mut process = launch.start(&context.env).map_err(|e| failed(Problem::Start(e)))?;
        context.adoption.except(process.id());
        let stderr = Ring::default();
        stderr.drain(process.stderr());
        let (Some(stdin), Some(stdout)) = (process.stdin(), process.stdout()) else {
            return Err(failed(Problem::Client(ClientError::Closed)));
        };
        let tap = context.recorder.as_ref().map(|recorder| recorder.tap(&found.name));
        let client = Client::tapped(stdin, stdout, context.limits.clone(), tap);
        let logs = collect(client.logs());
        let params = InitializeParams {
            protocols: PROTOCOLS.to_vec(),
            host: Party { name: "dwf".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            features: vec!["log".to_owned()],
        };
        let notice = async {
            tokio::time::sleep(limits::INITIALIZE_NOTICE).await;
            tracing::warn!(target: "devflow", "extension `{}` takes long to start …", found.name);
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            answer = client.initialize(params) => answer,
            () = notice => Err(ClientError::Closed),
        };
        let placeholder = InitializeResult {
            protocol: 0,
            extension: Party { name: String::new(), version: String::new() },
            requires: Vec::new(),
            provides: Vec::new(),
        };
        let mut extension = Self {
            found: found.clone(),
            process,
            client,
            stderr,
            logs,
            info: placeholder,
            _adoption: Rc::clone(&context.adoption),
        };
        match answer {
            Ok(info) if info.extension.name != found.name.as_str() => {
                let name = crate::error::printable(&info.extension.name, 80);
                Err(extension.fail(Problem::Name(name), None).await)
            }
            Ok(info) => {
                extension.info = info;
                Ok(extension)
            }
            Err(error) => Err(extension.fail(Problem::Client(error), None).await),
        }
    }

    /// Its name.
    pub fn name(&self) -> &ExtensionName {
        &self.found.name
    }

    /// Asks what it makes of a folder.
    pub async fn describe(&self, params: DescribeParams) -> Result<DescribeResult, Problem> {
        self.client.describe(params).await.map_err(Problem::Client)
    }

    /// Asks what a command means in a folder.
    pub async fn resolve(&self, params: ResolveParams) -> Result<Resolution, Problem> {
        self.client.resolve(params).await.map_err(Problem::Client)
    }

    /// Asks anything, and gives the answer as it came.
    pub async fn call(&self, method: &str, params: &impl Serialize) -> Result<Box<RawValue>, Problem> {
        self.client.call(method, params).await.map_err(Problem::Client)
    }

    /// Ends a broken extension and tells the whole story; `asked` is what it was asked about.
    pub async fn fail(&mut self, problem: Problem, asked: Option<String>) -> ExtensionError {
        self.client.close();
        // One that is about to end by itself shows how; one that hangs is killed.
        let ended = tokio::time::timeout(ENDING, self.process.wait()).await;
        let ending = match ended {
            // A good end after its input was closed is no news, unless it had ended before.
            Ok(Ok(status)) if !status.success() || problem.is_an_end() => Some(process::ending(status)),
            _ => None,
        };
        self.process.signal(Signal::SIGKILL);
        // What it last wrote is in the pipe until this comes back; and nothing of it is left then.
        let _ = tokio::time::timeout(limits::END_GRACE, self.process.wait()).await;
        tokio::task::yield_now().await;
        ExtensionError {
            name: self.found.name.clone(),
            path: self.found.path.clone(),
            problem,
            asked,
            ending,
            last_words: self.stderr.last_lines(20),
        }
    }

    /// Lets it end: its input is closed, then SIGTERM, then SIGKILL. Gives what it had to say.
    pub async fn end(mut self) -> Words {
        self.client.close();
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            if tokio::time::timeout(limits::END_GRACE, self.process.wait()).await.is_ok() {
                break;
            }
            if signal == Signal::SIGKILL {
                let name = &self.found.name;
                tracing::warn!(target: "devflow", "extension `{name}` did not end when it was asked to, and was killed");
            }
            self.process.signal(signal);
        }
        Words { logs: self.logs.take(), stderr: self.stderr.last_lines(usize::MAX) }
    }
}
