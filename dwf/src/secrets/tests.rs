use super::*;

#[test]
fn names_of_variables() {
    for (name, expected) in [("registry", "DWF_SECRET_REGISTRY"), ("my-own-2", "DWF_SECRET_MY_OWN_2")] {
        assert_eq!(variable(name), expected);
    }
}

#[test]
fn paths_of_the_users_file() {
    let mut world = World::read().unwrap();
    world.env.insert("HOME".to_owned(), "/home/me".to_owned());
    for (path, expected) in [
        ("/a/b", Some("/a/b")),
        ("~/a", Some("/home/me/a")),
        ("~", Some("/home/me")),
        ("a", None),
        ("~you/a", None),
    ] {
        assert_eq!(absolute(path, &world), expected.map(PathBuf::from), "{path}");
    }
}

#[test]
fn proxies_have_both_spellings_and_no_password() {
    let world = World::read().unwrap();
    let network =
        UserNetwork { https_proxy: Some("http://u:s3cret-pw@h:1".to_owned()), ..UserNetwork::default() };
    let names: Vec<String> = proxies(&network, &world).into_keys().collect();
    assert_eq!(names, ["HTTPS_PROXY", "https_proxy"]);
    assert_eq!(world.hidden.text("http://u:s3cret-pw@h:1"), "http://***@h:1");
}
