//! The plan as a person reads it.

use std::fmt::{self, Write};

use devflow_oci::Invocation;

use super::model::{Action, Choice, Plan, Service, TIMEOUT_S, Used};
use super::secrets::{Secret, Target};
use crate::name::FullName;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "project      {}", self.project)?;
        writeln!(f, "plan         {}", self.digest())?;
        writeln!(f, "fingerprint  {}", self.fingerprint)?;
        let pinned = |used: &Used| if used.pinned.is_some() { " (pinned)" } else { "" };
        let shown = |used: &Used| format!("{} {}{}", used.name, used.version, pinned(used));
        let used: Vec<String> = self.extensions.iter().map(shown).collect();
        writeln!(f, "extensions   {}", used.join(", "))?;
        for secret in &self.secrets {
            writeln!(f, "secret       {}", shown_secret(secret))?;
        }
        for action in &self.actions {
            writeln!(f)?;
            write_action(f, action)?;
        }
        for service in &self.services {
            writeln!(f)?;
            write_service(f, service)?;
        }
        if !self.skips.is_empty() {
            writeln!(f, "\nnothing to do:")?;
        }
        for skip in &self.skips {
            writeln!(f, "  {}  {}", skip.name, crate::error::printable(&skip.because, 200))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

fn shown_secret(secret: &Secret) -> String {
    let place = match &secret.target {
        Target::File(path) => path.clone(),
        Target::Env(name) => format!("${name}"),
        Target::SshAgent => "the SSH agent".to_owned(),
    };
    let actions: Vec<String> = secret.actions.iter().map(FullName::to_string).collect();
    let optional = if secret.required { "" } else { " (if there is one)" };
    format!("{} as {place} for {}{optional}", secret.name, actions.join(", "))
}

fn write_action(f: &mut fmt::Formatter<'_>, action: &Action) -> fmt::Result {
    write!(f, "{}", action.name)?;
    let mut about = Vec::new();
    if !action.requested {
        about.push("needed".to_owned());
    }
    let list = |names: &[FullName]| names.iter().map(FullName::to_string).collect::<Vec<_>>().join(", ");
    if !action.needs.is_empty() {
        about.push(format!("needs {}", list(&action.needs)));
    }
    if !action.after.is_empty() {
        about.push(format!("after {}", list(&action.after)));
    }
    if !action.services.is_empty() {
        about.push(format!("with {}", action.services.join(", ")));
    }
    if action.fetches {
        about.push("fetches".to_owned());
    }
    if action.writes {
        about.push("writes, so runs alone".to_owned());
    }
    if action.timeout_s != TIMEOUT_S {
        about.push(format!("at most {} s", action.timeout_s));
    }
    match about.is_empty() {
        true => writeln!(f)?,
        false => writeln!(f, "  ({})", about.join("; "))?,
    }
    for choice in &action.choices {
        write_choice(f, choice, action.choices.len() > 1)?;
    }
    Ok(())
}

fn write_service(f: &mut fmt::Formatter<'_>, service: &Service) -> fmt::Result {
    let line = |words: &[String]| {
        let (program, args) = words.split_first().map_or(("", [].as_slice()), |(p, args)| (p.as_str(), args));
        let line = Invocation::new(program).args(args.iter().cloned()).to_string();
        crate::error::printable(&line, 2000)
    };
    writeln!(f, "service {}  {}", service.name, service.image)?;
    if let Some(command) = &service.command {
        writeln!(f, "    {}", line(command))?;
    }
    if let Some(ready) = &service.ready {
        writeln!(f, "    ready within {} s: {}", service.ready_timeout_s, line(ready))?;
    }
    Ok(())
}

fn write_choice(f: &mut fmt::Formatter<'_>, choice: &Choice, several: bool) -> fmt::Result {
    let indent = if several { "      " } else { "    " };
    if several {
        match &choice.when {
            Some(program) => writeln!(f, "    where {program} is there:")?,
            None => writeln!(f, "    otherwise:")?,
        }
    }
    for step in &choice.steps {
        let mut line = String::new();
        let invocation =
            Invocation::new(step.program.as_str()).args(step.args.iter().map(|arg| arg.as_str()));
        write!(line, "{invocation}")?;
        writeln!(f, "{indent}{}", crate::error::printable(&line, 2000))?;
    }
    Ok(())
}
