//! The interpreter of a script: where it is, and what it needs around it.

use std::path::{Path, PathBuf};

use super::error::Reason;
use super::shebang::{Line, Wanted};
use super::shim;
use crate::discover::executable;
use crate::jail::Bounds;
use crate::world::World;

/// Links that are followed from the path as written.
const LINKS: usize = 16;

/// An interpreter that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its file, by the path that says to it where it belongs.
    pub program: PathBuf,
    /// What it gets before the script's path.
    pub args: Vec<String>,
    /// What it has to be able to read and run: itself, and where its libraries are.
    pub needs: Vec<PathBuf>,
}

/// Finds the interpreter of a `#!` line: on `path`, whose folders are not the project's, if need be.
pub async fn find(
    line: Line,
    path: &[PathBuf],
    bounds: &Bounds,
    world: &World,
) -> Result<Interpreter, Reason> {
    let wrong = |reason: String| Reason::Interpreter(reason);
    let (program, name) = match line.program {
        Wanted::At(program) => {
            let name = program.file_name().map(|name| name.to_string_lossy().into_owned());
            (program, name.unwrap_or_default())
        }
        Wanted::Named(name) => {
            let found = path.iter().map(|dir| dir.join(&name)).find(|file| executable(file, world).is_ok());
            (found.ok_or_else(|| wrong(format!("is not on PATH: {name}")))?, name)
        }
    };
    let real = program.canonicalize();
    let real = real.map_err(|_| wrong(format!("does not exist: {}", program.display())))?;
    executable(&real, world).map_err(|reason| wrong(format!("{reason}: {}", program.display())))?;
    let outside = |program: &Path| match chain(program).iter().any(|step| step.starts_with(&bounds.project)) {
        true => Err(wrong(format!("lies inside the project: {}", program.display()))),
        false => Ok(()),
    };
    outside(&program)?;
    let program = match cfg!(target_os = "linux") && shim::is_shim(&program, &real, &name) {
        true => shim::ask(&program, &name, world).await.map_err(wrong)?,
        false => program,
    };
    outside(&program)?;
    Ok(Interpreter { needs: needs(&program, bounds), program, args: line.args })
}

/// The path as written, and each that a link leads to.
fn chain(program: &Path) -> Vec<PathBuf> {
    let mut steps = vec![program.to_owned()];
    while let Some(Ok(target)) = steps.last().map(|last| last.read_link()) {
        let from = steps.last().and_then(|last| last.parent()).unwrap_or(Path::new("/"));
        // A folder on the way may be a link as well, and `..` starts from where it leads.
        let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
        let next = from.join(target);
        if steps.len() > LINKS || steps.contains(&next) {
            break;
        }
        steps.push(next);
    }
    steps.extend(program.canonicalize());
    steps
}

/// The program, and for each place that it is called by the folder above its `bin`.
fn needs(program: &Path, bounds: &Bounds) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = Vec::new();
    for step in chain(program) {
        let bin = step.parent().filter(|dir| dir.ends_with("bin")).and_then(Path::parent);
        let prefix = bin.and_then(|prefix| prefix.canonicalize().ok());
        for needed in prefix.filter(|prefix| !bounds.forbid(prefix)).into_iter().chain([step]) {
            if !out.contains(&needed) {
                out.push(needed);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::launch::shebang;

    fn program(path: &Path, from: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(from, path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test(flavor = "local")]
    async fn an_interpreter_brings_its_own_place_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        for folder in ["home/.local/bin", "home/.local/share", "home/bin", "home/venv/bin", "shop/venv/bin"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        program(&at("home/.local/share/py/bin/x3.1"), "/bin/cat");
        symlink(at("home/.local/share/py/bin/x3.1"), at("home/.local/bin/x3")).unwrap();
        symlink("../../.local/bin/x3", at("home/venv/bin/x3")).unwrap();
        program(&at("home/bin/y"), "/bin/cat");
        program(&at("shop/venv/bin/z"), "/bin/cat");
        symlink(at("shop/venv/bin/z"), at("home/bin/z")).unwrap();
        let bounds = Bounds::new(&at("shop"), [at("home"), at("home/.local/share")]);
        let path = [at("home/.local/bin"), at("home/bin")];
        let world = World::read().unwrap();
        let find = |line: &str| {
            let line = shebang::parse(line.as_bytes()).unwrap();
            find(line, &path, &bounds, &world)
        };

        let named = find("#!/usr/bin/env x3").await.unwrap();
        assert_eq!(named.program, at("home/.local/bin/x3"));
        assert_eq!(
            named.needs,
            [at("home/.local/bin/x3"), at("home/.local/share/py"), at("home/.local/share/py/bin/x3.1")]
        );
        let written = find(&format!("#!{}", at("home/venv/bin/x3").display())).await.unwrap();
        assert_eq!(written.program, at("home/venv/bin/x3"));
        assert!(written.needs.starts_with(&[at("home/venv"), at("home/venv/bin/x3")]));
        assert!(written.needs.contains(&at("home/.local/share/py")));
        assert_eq!(find("#!/usr/bin/env y").await.unwrap().needs, [at("home/bin/y")]);
        for (line, words) in [
            (format!("#!{}", at("shop/venv/bin/z").display()), "inside the project"),
            ("#!/usr/bin/env z".to_owned(), "inside the project"),
            ("#!/usr/bin/env nobody".to_owned(), "is not on PATH"),
            ("#!/no/such/x".to_owned(), "does not exist"),
        ] {
            let error = find(&line).await.unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    /// A shim is asked what it starts; whatever the language, and wherever its manager is.
    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "local")]
    async fn a_shim_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        program(&at("versions/2/bin/xx2"), "/bin/cat");
        symlink("xx2", at("versions/2/bin/xx")).unwrap();
        let shim = |path: &str, text: &str| {
            std::fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            std::fs::write(at(path), text).unwrap();
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        let real = at("versions/2/bin/xx");
        shim("bin/xx", &format!("#!/bin/sh\nsleep 0.1\nexec {} \"$@\"\n", real.display()));
        shim("broken/xx", "#!/bin/sh\nexit 7\n");
        let bounds = Bounds::new(&at("shop"), []);
        let world = World::read().unwrap();
        let line = || shebang::parse(b"#!/usr/bin/env xx").unwrap();
        let found = find(line(), &[at("bin")], &bounds, &world).await.unwrap();
        assert_eq!(found.program, real);
        assert!(found.needs.contains(&at("versions/2")));
        let error = find(line(), &[at("broken")], &bounds, &world).await.unwrap_err().to_string();
        assert!(error.contains("is the shim") && error.contains("exited with 7"), "{error}");
    }
}
