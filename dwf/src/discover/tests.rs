use super::*;

fn world(path: &str) -> World {
    let mut world = World::read().unwrap();
    world.env.insert("PATH".to_owned(), path.to_owned());
    world
}

fn extension(dir: &Path, name: &str, mode: u32) -> PathBuf {
    std::fs::create_dir_all(dir).unwrap();
    let path = dir.join(format!("{PREFIX}{name}"));
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn only_places_that_others_cannot_change_are_believed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    let (first, second, shared) =
        (dir.path().join("first"), dir.path().join("second"), dir.path().join("shared"));
    let inside = extension(&root.join("bin"), "x", 0o755);
    extension(&shared, "x", 0o755);
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).unwrap();
    extension(&first, "plain", 0o644);
    extension(&first, "open", 0o777);
    let one = extension(&first, "x", 0o755);
    let two = extension(&second, "x", 0o755);

    let join = |parts: &[&Path]| std::env::join_paths(parts).unwrap().into_string().unwrap();
    let path = format!(
        ":.:bin:{}",
        join(&[inside.parent().unwrap(), &shared, &first, &second, &first, &dir.path().join("gone")])
    );
    let (world, project) = (world(&path), Project::load(&root).unwrap());
    let places = Places::new(&world, &project);

    let found = places.find(&"x".parse().unwrap()).unwrap();
    assert_eq!((found.path, found.shadows, found.origin), (one, vec![two], Origin::SearchPath));
    let reasons: Vec<&str> = places.refused.iter().map(|refused| refused.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "is empty or relative",
            "is empty or relative",
            "is empty or relative",
            "lies inside the project",
            "may be changed by anyone"
        ]
    );
    for (name, reason) in [("plain", "is not executable"), ("open", "may be changed by anyone")] {
        let error = places.find(&name.parse().unwrap()).unwrap_err();
        assert!(error.detail().unwrap().contains(reason), "{name}");
    }
}

#[test]
fn a_variable_wins_and_must_be_absolute() {
    let dir = tempfile::tempdir().unwrap();
    let path = extension(dir.path(), "my-own", 0o755);
    let mut world = world("");
    world.env.insert("DWF_EXT_MY_OWN".to_owned(), path.to_str().unwrap().to_owned());
    let project = Project::load(dir.path()).unwrap();
    let name = "my-own".parse().unwrap();
    assert_eq!(Places::new(&world, &project).find(&name).unwrap().origin, Origin::Variable);
    world.env.insert("DWF_EXT_MY_OWN".to_owned(), "rel/x".to_owned());
    assert!(Places::new(&world, &project).find(&name).is_err());
}
