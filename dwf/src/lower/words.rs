//! What no system takes as a program's argument or variable: found before anything is started.

use crate::error::{Exit, Explain, printable};
use crate::name::FullName;

use super::job::Job;

/// The longest argument, or variable with its name and `=`, that Linux takes: 128 KiB with the NUL at its end.
const LONGEST: usize = 131_071;

/// A text that cannot be handed to a program.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{action}: {field} {wrong}")]
pub struct WordError {
    action: FullName,
    field: String,
    wrong: String,
}

impl Explain for WordError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("write it to a file of the project, and give the program that file's name".to_owned())
    }
}

/// Checks all that will be handed to programs.
pub fn check(jobs: &[Job]) -> Result<(), WordError> {
    for job in jobs {
        for choice in &job.start.choices {
            for step in &choice.steps {
                word(job, || "the program".to_owned(), &step.program, 0)?;
                for (at, arg) in step.args.iter().enumerate() {
                    let field = || format!("argument {} of {}", at + 1, printable(&step.program, 60));
                    word(job, field, arg, 0)?;
                }
            }
            for (name, value) in &choice.env {
                let value = value.as_deref().unwrap_or_default();
                word(job, || format!("the variable {}", printable(name, 60)), value, name.len() + 1)?;
            }
        }
    }
    Ok(())
}

fn word(job: &Job, field: impl Fn() -> String, text: &str, more: usize) -> Result<(), WordError> {
    let wrong = if text.contains('\0') {
        "holds a NUL".to_owned()
    } else if text.len() + more > LONGEST {
        format!("has {} bytes, and no system takes more than {LONGEST}", text.len() + more)
    } else {
        return Ok(());
    };
    Err(WordError { action: job.name.clone(), field: field(), wrong })
}

#[cfg(test)]
mod tests {
    use devflow_runner::wire::{Choice, Start, Step};

    use super::*;
    use crate::lower::Kind;

    fn check_of(program: &str, arg: &str, value: &str) -> Result<(), String> {
        let step = Step { program: program.to_owned(), args: vec!["a".to_owned(), arg.to_owned()] };
        let env = [("NAME".to_owned(), Some(value.to_owned())), ("GONE".to_owned(), None)].into();
        let choice = Choice { when: None, steps: vec![step], cwd: "/".to_owned(), env, path: Vec::new() };
        let start =
            Start { id: 0, choices: vec![choice], timeout_ms: None, grace_ms: 0, secrets: Vec::new() };
        let name: crate::name::Wanted = "a:b".parse().unwrap();
        let name =
            FullName { member: name.member.unwrap_or_default(), stack: name.stack, command: name.command };
        check(&[Job { name, kind: Kind::Check, start, services: Vec::new() }])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn words() {
        let long = "x".repeat(LONGEST);
        assert_eq!(check_of("p", &long, &long[..LONGEST - 5]), Ok(()));
        assert_eq!(check_of("p", "a\nb", "c\nd=e"), Ok(()));
        for (program, arg, value, said) in [
            ("p", format!("{long}x"), String::new(), "argument 2 of p has 131072 bytes"),
            ("p", String::new(), long.clone(), "the variable NAME has 131076 bytes"),
            ("p", "a\0b".to_owned(), String::new(), "argument 2 of p holds a NUL"),
            ("p\0", String::new(), String::new(), "the program holds a NUL"),
            ("p", String::new(), "\0".to_owned(), "the variable NAME holds a NUL"),
        ] {
            let error = check_of(program, &arg, &value).unwrap_err();
            assert!(error.starts_with("a:b: ") && error.contains(said), "{error}");
        }
    }
}
