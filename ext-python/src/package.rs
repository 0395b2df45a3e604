//! `build:*`, `package:*`, `release:*`: what is made to be given away.
//!
//! Invariant: only the tool that the project chose builds it.

use devflow_protocol::message::{Output, Resolution};
use devflow_protocol::sdk::Failure;

use crate::checks::pass;
use crate::config::Manager;
use crate::project::{Project, env, none_of};
use crate::setup::BUILD;
use crate::words::{name, owned, step, template};

/// `build:release` and `package:artifact`: the source archive and the wheel in `dist`.
pub(crate) fn distributions(project: &Project, args: &[String]) -> Result<Resolution, Failure> {
    if project.builds().is_none() {
        return Ok(Resolution::skip("the project is not a package: nothing says how to build it"));
    }
    let step = match project.manager {
        Manager::Uv => step("uv", ["build", "--offline", "--no-build-isolation", "--out-dir=dist"]),
        Manager::Poetry => step("poetry", ["build", "--no-interaction"]),
        _ if project.declares("build") => step("python", ["-m", "build", "--no-isolation", "--outdir=dist"]),
        Manager::Pdm => step("pdm", ["build", "--no-isolation"]),
        Manager::Pip | Manager::Hatch => return Ok(none_of(&["build"])),
    };
    let mut action = project.with_project(vec![step])?;
    action.env = env([("PYTHONPATH", BUILD)])?;
    action.path.push(template(&format!("{BUILD}/bin")));
    action.locks = owned(["dist"]);
    action.outputs = vec![Output { path: Some(name("dist")?), cache: None }];
    pass(action, args)
}
