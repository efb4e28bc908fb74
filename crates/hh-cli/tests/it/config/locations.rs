//! The locations of files, `config path`, and the file that `config set` writes.

use std::os::unix::fs::symlink;

use crate::support::TestEnv;

#[test]
fn path_shows_every_file_that_is_looked_at() {
    let mut env = TestEnv::new();
    insta::assert_snapshot!(env.seen(&["config", "path"]), @"
    FILE | PATH | STATE
    env file | - | not set
    project file | [home]/honeyhive.yaml | not found
    user file | [home]/.config/honeyhive/config.yaml | not found
    user file | [home]/.honeyhive/config.yaml | not found
    system file | /etc/honeyhive/config.yaml | not found
    credentials | [home]/.config/honeyhive/credentials.toml | not found
    trusted files | [home]/.config/honeyhive/trusted | not found
    exit 0
    ");
    env.write("honeyhive.toml", "project = \"docs\"\n");
    env.write("honeyhive.prod.yaml", "source: prod\n");
    env.write("a.env", "HH_TIMEOUT=7\n");
    env.write(".honeyhive/config.json", "{}");
    env.store_key("work", "http://127.0.0.1:9", super::KEY);
    let flags = ["--environment", "prod", "--env-file", "a.env"];
    insta::assert_snapshot!(env.seen(&[&["config", "path"], &flags[..]].concat()), @"
    FILE | PATH | STATE
    env file | [home]/a.env | read
    project file | [home]/honeyhive.toml | read, not trusted
    overlay file | [home]/honeyhive.prod.yaml | read, not trusted
    user file | [home]/.config/honeyhive/config.yaml | not found
    user file | [home]/.honeyhive/config.json | read
    system file | /etc/honeyhive/config.yaml | not found
    credentials | [home]/.config/honeyhive/credentials.toml | found
    trusted files | [home]/.config/honeyhive/trusted | not found
    exit 0
    ");
    env.set("HH_CONFIG_FILE", "other.yaml");
    env.set("HH_ENV_FILE", "missing.env");
    insta::assert_snapshot!(env.seen(&["config", "path", "--output", "json"]), @r#"
    {
      "items": [
        {
          "layer": "env file",
          "path": "[home]/missing.env",
          "state": "not readable"
        },
        {
          "layer": "named file",
          "path": "[home]/other.yaml",
          "state": "not readable"
        },
        {
          "layer": "user file",
          "path": "[home]/.config/honeyhive/config.yaml",
          "state": "not found"
        },
        {
          "layer": "user file",
          "path": "[home]/.honeyhive/config.json",
          "state": "read"
        },
        {
          "layer": "system file",
          "path": "/etc/honeyhive/config.yaml",
          "state": "not found"
        },
        {
          "layer": "credentials",
          "path": "[home]/.config/honeyhive/credentials.toml",
          "state": "found"
        },
        {
          "layer": "trusted files",
          "path": "[home]/.config/honeyhive/trusted",
          "state": "not found"
        }
      ],
      "total": 7,
      "next": null
    }
    exit 0
    "#);
}

#[test]
fn the_file_of_the_xdg_directory_is_read_in_each_format() {
    let mut env = TestEnv::new();
    env.set("XDG_CONFIG_HOME", &env.at("elsewhere"));
    for (name, text, place) in [
        ("config.yaml", "project: docs\n", "1:10"),
        ("config.yml", "\nproject: docs\n", "2:10"),
        ("config.json", "{\"project\":\"docs\"}", "1:12"),
        ("config.toml", "project = \"docs\"\n", "1:11"),
    ] {
        let file = format!("elsewhere/honeyhive/{name}");
        env.write(&file, text);
        env.assert_setting(
            "project",
            &[],
            "docs",
            &format!("file:[home]/{file}:{place}"),
        );
        // `config set` changes the file that is read.
        assert_eq!(env.run(&["config", "set", "project", "search"]).code, 0);
        assert!(env.read(&file).contains("search"), "{name}");
        std::fs::remove_file(env.path(&file)).unwrap();
    }
    // Without an existing file, the command creates a YAML file there.
    env.unset("XDG_CONFIG_HOME");
    env.set("XDG_CONFIG_HOME", &env.at("new"));
    assert_eq!(env.run(&["config", "set", "timeout", "7"]).code, 0);
    assert_eq!(env.read("new/honeyhive/config.yaml"), "timeout: 7\n");
    assert_eq!(env.mode("new"), 0o700);
    assert_eq!(env.mode("new/honeyhive"), 0o700);
    assert!(!env.path(".config").exists());
    // A relative path is ignored.
    env.unset("XDG_CONFIG_HOME");
    env.set("XDG_CONFIG_HOME", "new");
    env.assert_setting("timeout", &[], "30", "default");
}

#[test]
fn the_file_in_the_directory_that_honeyhive_documents_is_read_and_changed() {
    let env = TestEnv::new();
    for name in ["config.yaml", "config.yml", "config.json", "config.toml"] {
        let file = format!(".honeyhive/{name}");
        let text = match name {
            "config.json" => "{\"timeout\": 7}",
            "config.toml" => "timeout = 7\n",
            _ => "timeout: 7\n",
        };
        env.write(&file, text);
        assert_eq!(env.setting("timeout", &[]).0, "7", "{name}");
        assert_eq!(env.run(&["config", "set", "timeout", "8"]).code, 0);
        assert_eq!(env.read(&file), text.replace('7', "8"));
        assert!(!env.path(".config").exists());
        std::fs::remove_file(env.path(&file)).unwrap();
    }
}

#[test]
fn one_of_two_user_files_is_read_and_the_other_is_reported() {
    let env = TestEnv::new();
    env.write(".config/honeyhive/config.yaml", "timeout: 7\n");
    env.write(".honeyhive/config.json", "{\"timeout\": 8}");
    insta::assert_snapshot!(env.seen(&["config", "get", "timeout"]), @"
    7
    ! warning: ignored [home]/.honeyhive/config.json, because [home]/.config/honeyhive/config.yaml takes precedence; merge the files
    exit 0
    ");
    insta::assert_snapshot!(env.seen(&["config", "path"]), @"
    FILE | PATH | STATE
    env file | - | not set
    project file | [home]/honeyhive.yaml | not found
    user file | [home]/.config/honeyhive/config.yaml | read
    user file | [home]/.honeyhive/config.json | ignored
    system file | /etc/honeyhive/config.yaml | not found
    credentials | [home]/.config/honeyhive/credentials.toml | not found
    trusted files | [home]/.config/honeyhive/trusted | not found
    ! warning: ignored [home]/.honeyhive/config.json, because [home]/.config/honeyhive/config.yaml takes precedence; merge the files
    exit 0
    ");
    assert_eq!(env.run(&["config", "set", "timeout", "9"]).code, 0);
    assert_eq!(env.read(".config/honeyhive/config.yaml"), "timeout: 9\n");
    assert_eq!(env.read(".honeyhive/config.json"), "{\"timeout\": 8}");
}

#[test]
fn two_spellings_of_one_file_are_refused() {
    let env = TestEnv::new();
    env.write(".config/honeyhive/config.yaml", "timeout: 7\n");
    env.write(".config/honeyhive/config.json", "{}");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! error: cannot change the user configuration file [home]/.config/honeyhive/config.yaml: ambiguous (two extensions)
    ! | hint: run `honeyhive config validate` for details
    exit 5
    ");
    assert_eq!(env.read(".config/honeyhive/config.yaml"), "timeout: 7\n");
    insta::assert_snapshot!(env.seen(&["config", "validate"]), @"
    ! error: both [home]/.config/honeyhive/config.yaml and [home]/.config/honeyhive/config.json exist, and only one is allowed
    ! | hint: remove one
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["config", "path"]), @"
    FILE | PATH | STATE
    env file | - | not set
    project file | [home]/honeyhive.yaml | not found
    user file | [home]/.config/honeyhive/config.yaml | ambiguous (two extensions)
    user file | [home]/.honeyhive/config.yaml | not found
    system file | /etc/honeyhive/config.yaml | not found
    credentials | [home]/.config/honeyhive/credentials.toml | not found
    trusted files | [home]/.config/honeyhive/trusted | not found
    exit 0
    ");
}

#[test]
fn a_link_stays_a_link_and_its_target_is_changed() {
    let env = TestEnv::new();
    env.write("dotfiles/honeyhive.yaml", "# shared\ntimeout: 7\n");
    env.write(".config/honeyhive/placeholder", "");
    let link = env.path(".config/honeyhive/config.yaml");
    symlink(env.path("dotfiles/honeyhive.yaml"), &link).unwrap();
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! Set timeout in [home]/.config/honeyhive/config.yaml
    exit 0
    ");
    assert!(link.is_symlink());
    assert_eq!(
        env.read("dotfiles/honeyhive.yaml"),
        "# shared\ntimeout: 8\n"
    );
    assert_eq!(env.mode("dotfiles/honeyhive.yaml"), 0o600);
    assert_eq!(env.run(&["config", "unset", "timeout"]).code, 0);
    assert!(link.is_symlink());
    // A link without a target is not followed for writing.
    std::fs::remove_file(env.path("dotfiles/honeyhive.yaml")).unwrap();
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! error: cannot change the user configuration file [home]/.config/honeyhive/config.yaml: not readable
    ! | hint: run `honeyhive config validate` for details
    exit 5
    ");
    assert!(!env.path("dotfiles/honeyhive.yaml").exists());
}

#[test]
fn without_a_home_directory_nothing_is_written() {
    let mut env = TestEnv::new();
    env.set("HOME", "");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! error: cannot determine the location of the user configuration file: neither HOME nor XDG_CONFIG_HOME is an absolute path
    ! | hint: set HOME or XDG_CONFIG_HOME to an absolute path
    exit 5
    ");
    env.write("honeyhive.yaml", "base_url: http://127.0.0.1:9\n");
    insta::assert_snapshot!(env.seen(&["config", "trust"]), @"
    ! error: cannot determine the location of the list of trusted files: neither HOME nor XDG_CONFIG_HOME is an absolute path
    ! | hint: set HOME or XDG_CONFIG_HOME to an absolute path
    exit 5
    ");
    insta::assert_snapshot!(env.seen(&["config", "path"]), @"
    FILE | PATH | STATE
    env file | - | not set
    project file | [home]/honeyhive.yaml | read, not trusted
    system file | /etc/honeyhive/config.yaml | not found
    exit 0
    ");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let env = TestEnv::new();
    env.write(".config", "a file");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! error: cannot write [home]/.config/honeyhive/config.yaml: Not a directory
    exit 1
    ");
    let env = TestEnv::new();
    env.write(".config/honeyhive/config.yaml/x", "");
    insta::assert_snapshot!(env.seen(&["config", "set", "timeout", "8"]), @"
    ! error: cannot change the user configuration file [home]/.config/honeyhive/config.yaml: not readable
    ! | hint: run `honeyhive config validate` for details
    exit 5
    ");
}
