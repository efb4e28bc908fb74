//! Tests configuration files and lists of trusted files that other users own or can change.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use hh_config::{Env, FileState, LoadErrorKind, LoadOptions, Source, Stack, TrustedFiles, names};
use hh_testing::{TestEnv, write};

/// The id of another user.
const OTHER: u32 = 4242;

const CONFIG: &str = ".config/honeyhive/config.yaml";
const SYSTEM: &str = "system/config.yaml";

/// A home directory with the directories of the user file and the system file.
struct Home {
    env: TestEnv,
}

impl Home {
    fn new() -> Self {
        let all = Self {
            env: TestEnv::new(),
        };
        for dir in [
            ".config/honeyhive",
            ".honeyhive",
            "system",
            "dotfiles/inner",
            "work",
        ] {
            fs::create_dir_all(all.at(dir)).unwrap();
        }
        for dir in [
            ".config",
            ".config/honeyhive",
            ".honeyhive",
            "system",
            "dotfiles",
            "dotfiles/inner",
            "work",
        ] {
            all.mode(dir, 0o755);
        }
        all
    }

    fn at(&self, path: &str) -> PathBuf {
        self.env.path(path)
    }

    fn write(&self, path: &str, text: &str) {
        self.env.write(path, text);
        self.mode(path, 0o644);
    }

    fn mode(&self, path: &str, mode: u32) {
        self.env.set_mode(path, mode);
    }

    fn env(&self) -> Env {
        Env::from_pairs([("HOME", self.env.root())])
            .with_system_dir(self.at("system"))
            .with_working_dir(self.at("work"))
    }

    fn load(&self) -> Stack {
        Stack::load(&self.env(), LoadOptions::new())
    }

    /// Returns the message about a file that is not used, and asserts that no value of the file is in effect.
    #[track_caller]
    fn refused(&self, source: Source) -> String {
        let stack = self.load();
        let problems = stack.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = &problems[0];
        assert_eq!(problem.kind(), LoadErrorKind::Unsafe, "{problem}");
        assert!(
            stack.candidates(names::PROJECT).winner.is_none(),
            "{problem}"
        );
        let mut files = stack.files().iter();
        let file = files.find(|file| file.source == source && file.state != FileState::Absent);
        assert_eq!(file.unwrap().state, FileState::Unsafe, "{problem}");
        format!("{problem}; {}", problem.hint().unwrap_or_default())
            .replace(self.env.root().to_str().unwrap(), "[home]")
    }

    #[track_caller]
    fn assert_used(&self) {
        let stack = self.load();
        assert!(stack.problems().is_empty(), "{:?}", stack.problems());
        assert!(stack.candidates(names::PROJECT).winner.is_some());
    }

    /// Runs the command in a message.
    fn repair(&self, message: &str) {
        let command = command_of(message).replace("[home]", self.env.root().to_str().unwrap());
        let done = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(done.success(), "{command}");
    }
}

/// Returns the command in a hint.
fn command_of(hint: &str) -> &str {
    let (_, command) = hint.rsplit_once("run `").unwrap();
    command.strip_suffix('`').unwrap()
}

/// Returns whether the test can change the owner of a file; prints a note if not.
#[expect(clippy::print_stdout, reason = "a skipped test prints a note")]
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: only root can change the owner of a file");
    }
    is_root
}

#[test]
fn a_file_that_other_users_can_write_is_refused_until_the_command_repaired_it() {
    for (path, source) in [
        (CONFIG, Source::User),
        (".config/honeyhive/config.toml", Source::User),
        (".honeyhive/config.yaml", Source::User),
        (SYSTEM, Source::System),
    ] {
        for mode in [0o666, 0o664, 0o646, 0o622, 0o777, 0o602, 0o620] {
            let home = Home::new();
            let text = if path.ends_with("toml") {
                "project = \"docs\"\n"
            } else {
                "project: docs\n"
            };
            home.write(path, text);
            home.assert_used();
            home.mode(path, mode);
            let message = home.refused(source);
            assert_eq!(
                message,
                format!(
                    "the configuration file [home]/{path} can be written by other users; run `chmod go-w [home]/{path}`"
                ),
            );
            home.repair(&message);
            home.assert_used();
        }
    }
}

#[test]
fn a_file_that_other_users_can_only_read_is_used() {
    for mode in [0o600, 0o644, 0o640, 0o444, 0o400, 0o755] {
        for path in [CONFIG, SYSTEM] {
            let home = Home::new();
            home.write(path, "project: docs\n");
            home.mode(path, mode);
            home.assert_used();
        }
    }
}

#[test]
fn a_directory_that_other_users_can_write_is_refused_until_the_command_repaired_it() {
    for (path, dir, source) in [
        (CONFIG, ".config/honeyhive", Source::User),
        (CONFIG, ".config", Source::User),
        (CONFIG, "", Source::User),
        (".honeyhive/config.yaml", ".honeyhive", Source::User),
        (SYSTEM, "system", Source::System),
    ] {
        for mode in [0o777, 0o775, 0o757, 0o722] {
            let home = Home::new();
            home.write(path, "project: docs\n");
            home.mode(dir, mode);
            let message = home.refused(source);
            let shown = format!("[home]/{dir}");
            let shown = shown.trim_end_matches('/');
            assert_eq!(
                message,
                format!(
                    "the configuration file [home]/{path} is in {shown}, which can be written by other users; run `chmod go-w {shown}`"
                ),
            );
            home.repair(&message);
            home.assert_used();
        }
    }
}

#[test]
fn the_sticky_bit_protects_directories_above_only() {
    let home = Home::new();
    home.write(CONFIG, "project: docs\n");
    home.mode(".config", 0o1777);
    home.assert_used();
    home.mode(".config/honeyhive", 0o1777);
    assert!(
        home.refused(Source::User)
            .contains("is in [home]/.config/honeyhive, which can be written")
    );
}

/// The hint for root with the home directory of a user, which `sudo -E` causes.
const NO_SUDO: &str = "run the command without sudo, or set HOME to the home directory of root";

#[test]
fn a_file_a_directory_or_a_link_of_another_user_is_refused_until_the_command_repaired_it() {
    if !is_root() {
        return;
    }
    let give = |path: &Path| chown(path, Some(OTHER), None).unwrap();
    for (path, given, what, source) in [
        (CONFIG, CONFIG, "", Source::User),
        (
            CONFIG,
            ".config/honeyhive",
            "is in [home]/.config/honeyhive, which ",
            Source::User,
        ),
        (
            CONFIG,
            ".config",
            "is in [home]/.config, which ",
            Source::User,
        ),
        (
            ".honeyhive/config.yaml",
            ".honeyhive/config.yaml",
            "",
            Source::User,
        ),
        (SYSTEM, SYSTEM, "", Source::System),
        (
            SYSTEM,
            "system",
            "is in [home]/system, which ",
            Source::System,
        ),
    ] {
        let home = Home::new();
        home.write(path, "project: docs\n");
        give(&home.at(given));
        let message = home.refused(source);
        let is_system = source == Source::System;
        let hint = if is_system {
            format!("run `chown 0 [home]/{given}`")
        } else {
            NO_SUDO.to_owned()
        };
        assert_eq!(
            message,
            format!(
                "the configuration file [home]/{path} {what}belongs to another user (id {OTHER}, not 0); {hint}"
            ),
        );
        if is_system {
            home.repair(&message);
        } else {
            chown(home.at(given), Some(0), None).unwrap();
        }
        home.assert_used();
    }
    let home = Home::new();
    home.write("dotfiles/config.yaml", "project: docs\n");
    symlink(home.at("dotfiles/config.yaml"), home.at(CONFIG)).unwrap();
    home.assert_used();
    lchown(home.at(CONFIG), Some(OTHER), None).unwrap();
    let message = home.refused(Source::User);
    assert!(
        message.contains("is a symbolic link that belongs to another user")
            && message.ends_with(NO_SUDO),
        "{message}"
    );
    lchown(home.at(CONFIG), Some(0), None).unwrap();
    home.assert_used();
}

#[test]
fn the_target_of_a_link_is_judged_and_its_directory() {
    let linked = || {
        let home = Home::new();
        home.write("dotfiles/inner/config.yaml", "project: docs\n");
        symlink("../../dotfiles/inner/config.yaml", home.at(CONFIG)).unwrap();
        home.assert_used();
        home
    };
    let home = linked();
    home.mode("dotfiles/inner/config.yaml", 0o666);
    home.repair(&home.refused(Source::User));
    home.assert_used();
    for dir in ["dotfiles/inner", "dotfiles"] {
        let home = linked();
        home.mode(dir, 0o777);
        let message = home.refused(Source::User);
        assert!(
            message.contains(&format!("is in [home]/{dir}, which")),
            "{message}"
        );
        home.repair(&message);
        home.assert_used();
        // In a sticky directory such as /tmp other users cannot replace an existing file.
        home.mode(dir, 0o1777);
        home.assert_used();
    }
    // A link to a directory.
    let home = Home::new();
    home.write("dotfiles/inner/config.yaml", "project: docs\n");
    fs::remove_dir(home.at(".config/honeyhive")).unwrap();
    symlink(home.at("dotfiles/inner"), home.at(".config/honeyhive")).unwrap();
    home.assert_used();
    home.mode("dotfiles/inner", 0o777);
    assert!(
        home.refused(Source::User)
            .contains("can be written by other users")
    );
    home.mode("dotfiles/inner", 0o755);
    home.mode("dotfiles", 0o777);
    assert!(
        home.refused(Source::User)
            .contains("is in [home]/dotfiles, which")
    );
}

#[test]
fn a_file_that_was_named_and_a_project_file_are_not_judged() {
    let home = Home::new();
    home.write("work/named.yaml", "project: docs\n");
    home.mode("work/named.yaml", 0o666);
    let env = Env::from_pairs([
        ("HOME", home.env.root().to_str().unwrap()),
        (
            "HH_CONFIG_FILE",
            home.at("work/named.yaml").to_str().unwrap(),
        ),
    ]);
    assert!(Stack::load(&env, LoadOptions::new()).problems().is_empty());
    home.write("work/honeyhive.yaml", "project: docs\n");
    home.mode("work/honeyhive.yaml", 0o666);
    home.mode("work", 0o777);
    home.assert_used();
}

#[test]
fn a_list_of_trusted_files_that_other_users_can_change_trusts_nothing() {
    let trusted = || {
        let home = Home::new();
        home.write("work/honeyhive.yaml", "base_url: https://one.example\n");
        let list = TrustedFiles::default()
            .with(&home.at("work/honeyhive.yaml"))
            .unwrap();
        home.write(".config/honeyhive/trusted", &list.to_text());
        assert!(home.load().problems().is_empty());
        home
    };
    let assert_refused = |home: &Home, why: &str| {
        let stack = home.load();
        let kinds: Vec<_> = stack
            .problems()
            .iter()
            .map(hh_config::Problem::kind)
            .collect();
        assert_eq!(kinds, [LoadErrorKind::Untrusted], "{why}");
        assert!(stack.candidates(names::BASE_URL).winner.is_none(), "{why}");
        let warnings = stack.warnings();
        let is_named = |warning: &&String| {
            warning.contains("the list of trusted files ") && warning.contains(why)
        };
        let warning = warnings.iter().find(is_named);
        let warning = warning.ok_or(format!("{warnings:?}")).unwrap().clone();
        assert_eq!(
            TrustedFiles::load(&home.env()).unwrap_err().kind(),
            LoadErrorKind::Unsafe
        );
        if warning.ends_with(NO_SUDO) {
            for path in [".config/honeyhive/trusted", ".config/honeyhive"] {
                chown(home.at(path), Some(0), None).unwrap();
            }
        } else {
            home.repair(&warning);
        }
        assert!(home.load().problems().is_empty(), "{why}");
    };
    for mode in [0o666, 0o664, 0o646, 0o620] {
        let home = trusted();
        home.mode(".config/honeyhive/trusted", mode);
        assert_refused(&home, "can be written by other users; run `chmod go-w ");
    }
    for mode in [0o777, 0o1777, 0o775] {
        let home = trusted();
        home.mode(".config/honeyhive", mode);
        assert_refused(
            &home,
            "/.config/honeyhive, which can be written by other users; run `chmod go-w ",
        );
    }
    if is_root() {
        for path in [".config/honeyhive/trusted", ".config/honeyhive"] {
            let home = trusted();
            chown(home.at(path), Some(OTHER), None).unwrap();
            assert_refused(
                &home,
                "belongs to another user (id 4242, not 0); run the command without sudo",
            );
        }
    }
}

#[test]
fn the_command_is_one_that_a_shell_reads_as_it_is_meant() {
    let outer = tempfile::tempdir().unwrap();
    for name in ["a b", "it's", "$(touch planted)", "-x;ls"] {
        let dir = outer.path().join(name).join("honeyhive");
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("config.yaml");
        write(&file, "project: docs\n");
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        let env = Env::from_pairs([("XDG_CONFIG_HOME", outer.path().join(name))]);
        let problems = Stack::load(&env, LoadOptions::new()).problems();
        let command = command_of(problems[0].hint().unwrap());
        let done = Command::new("sh")
            .args(["-c", command])
            .current_dir(outer.path())
            .status();
        assert!(done.unwrap().success(), "{command}");
        assert!(
            Stack::load(&env, LoadOptions::new()).problems().is_empty(),
            "{name}"
        );
    }
    assert!(!outer.path().join("planted").exists());
}
