//! Tests of the install script, with a server on loopback and a PATH that contains only chosen programs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use hh_testing::{HttpServer, Reply, RunOutput, TestEnv, response, response_bytes, run};

use crate::files;

const GNU: &str = "x86_64-unknown-linux-gnu";
const MUSL: &str = "x86_64-unknown-linux-musl";

/// The programs that the script uses, besides a downloader.
const TOOLS: [&str; 14] = [
    "cat",
    "chmod",
    "cp",
    "cut",
    "gzip",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "tar",
];

/// A release with a server and a user.
struct Release {
    env: TestEnv,
    server: HttpServer,
}

impl Release {
    /// Creates a release with archives for glibc and musl. The server returns `reply` for an archive, given its bytes.
    fn new(reply: impl Fn(Vec<u8>) -> Reply + Send + 'static) -> Self {
        Self::of(archive, reply)
    }

    fn of(archive: fn(&str) -> Vec<u8>, reply: impl Fn(Vec<u8>) -> Reply + Send + 'static) -> Self {
        let mut env = TestEnv::new();
        let mut archives = Vec::new();
        for target in [GNU, MUSL] {
            let name = format!("release/honeyhive-1.2.3-{target}.tar.gz");
            env.write(&name, archive(target));
            archives.push(env.path(&name));
        }
        // A damaged archive has no program with a version of glibc.
        let script = super::script(root(), "1.2.3", &archives);
        let script =
            script.unwrap_or_else(|_| super::script(root(), "1.2.3", &archives[1..]).unwrap());
        env.write("release/install.sh", script);
        let folder = env.path("release");
        let server = HttpServer::with(move |request| {
            let name = request.path().trim_start_matches('/').to_owned();
            fs::read(folder.join(name)).map_or_else(|_| response("404 Not Found", "", ""), &reply)
        });
        for folder in ["bin", "home", "tmp"] {
            fs::create_dir(env.path(folder)).unwrap();
        }
        for tool in TOOLS {
            symlink(find(tool).unwrap(), env.path("bin").join(tool)).unwrap();
        }
        let downloader = ["curl", "wget"].iter().find_map(|name| find(name));
        let downloader = downloader.unwrap();
        symlink(
            &downloader,
            env.path("bin").join(downloader.file_name().unwrap()),
        )
        .unwrap();
        env.set("PATH", env.path("bin").to_str().unwrap());
        env.set("HOME", env.path("home").to_str().unwrap());
        env.set("TMPDIR", env.path("tmp").to_str().unwrap());
        env.set("HONEYHIVE_DOWNLOAD_URL", server.url());
        let release = Self { env, server };
        release.fake(
            "uname",
            "case $1 in -s) echo Linux ;; *) echo x86_64 ;; esac",
        );
        release.fake("getconf", "echo 'glibc 2.36'");
        release.fake("sudo", "echo used >\"$HOME/sudo\"");
        release
    }

    /// Adds a shell script to PATH, instead of the program of this name.
    fn fake(&self, name: &str, text: &str) {
        let name = format!("bin/{name}");
        drop(fs::remove_file(self.env.path(&name)));
        self.env.write(&name, format!("#!/bin/sh\n{text}\n"));
        self.env.set_mode(&name, 0o755);
    }

    fn remove_tool(&self, name: &str) {
        fs::remove_file(self.env.path("bin").join(name)).ok();
    }

    fn install(&self) -> RunOutput {
        run(self.command().arg(self.env.path("release/install.sh")))
    }

    fn command(&self) -> Command {
        self.env.command("/bin/sh")
    }

    /// Returns the files in the home and in the directory of temporary files.
    fn files(&self) -> Vec<String> {
        let list = |folder: &str| {
            let files = hidden_files(&self.env.path(folder));
            files
                .into_iter()
                .map(move |file| format!("{folder}/{file}"))
                .collect::<Vec<_>>()
        };
        [list("home"), list("tmp")].concat()
    }

    /// Asserts that the script fails with this error, prints nothing else and leaves no files.
    #[track_caller]
    fn fails(&self, error: &str) {
        let before = self.files();
        let done = self.install();
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert_eq!(done.stdout, "");
        assert_eq!(done.stderr.replace(self.server.url(), "URL"), error);
        assert_eq!(self.files(), before);
    }
}

/// Returns the files in a directory and its subdirectories, and empty subdirectories.
fn hidden_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the path of a program on this machine.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Returns an archive as a release has it, with a shell script as the program.
fn archive(target: &str) -> Vec<u8> {
    let program = format!("#!/bin/sh\nexit\n{target}\0GLIBC_2.34\0");
    archive_of(target, &program, "honeyhive-auth.1")
}

fn archive_of(target: &str, program: &str, page: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let page = format!("man/man1/{page}");
    for (name, mode, text) in [
        ("completions/bash/honeyhive", 0o644, "bash"),
        ("completions/fish/honeyhive.fish", 0o644, "fish"),
        ("completions/zsh/_honeyhive", 0o644, "zsh"),
        ("honeyhive", 0o755, program),
        ("man/man1/honeyhive.1", 0o644, "page"),
        (&page, 0o644, "page"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        let path = format!("honeyhive-1.2.3-{target}/{name}");
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Returns the first half of an archive.
fn cut(target: &str) -> Vec<u8> {
    let mut bytes = archive(target);
    bytes.truncate(bytes.len() / 2);
    bytes
}

fn ok(bytes: Vec<u8>) -> Reply {
    response("200 OK", "", bytes)
}

#[test]
fn the_script_installs_the_program_manual_pages_and_completions_without_root() {
    for downloader in ["curl", "wget"] {
        let Some(path) = find(downloader) else {
            continue;
        };
        let release = Release::new(ok);
        for other in ["curl", "wget"] {
            release.remove_tool(other);
        }
        symlink(path, release.env.path("bin").join(downloader)).unwrap();
        let done = release.install();
        let directory = release.env.path("home/.local/bin").display().to_string();
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(
            done.stdout,
            format!("Installed honeyhive 1.2.3 to {directory}/honeyhive\n")
        );
        assert_eq!(
            done.stderr,
            format!(
                "warning: {directory} is not on PATH\n  hint: add this line to the profile of your shell: export PATH=\"{directory}:$PATH\"\n"
            )
        );
        let installed: Vec<_> = release
            .files()
            .into_iter()
            .filter(|file| release.env.path(file).is_file())
            .collect();
        assert_eq!(
            installed,
            [
                "home/.local/bin/honeyhive",
                "home/.local/share/bash-completion/completions/honeyhive",
                "home/.local/share/fish/vendor_completions.d/honeyhive.fish",
                "home/.local/share/man/man1/honeyhive-auth.1",
                "home/.local/share/man/man1/honeyhive.1",
            ]
        );
        assert_eq!(release.env.mode("home/.local/bin/honeyhive"), 0o755);
        assert_eq!(hidden_files(&release.env.path("tmp")), [""; 0]);
    }
}

#[test]
fn the_script_works_when_it_is_piped_into_a_shell() {
    let release = Release::new(ok);
    let script = release.env.read("release/install.sh");
    let done = hh_testing::run_with_input(&mut release.command(), &script).unwrap();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(release.env.path("home/.local/bin/honeyhive").exists());
}

#[test]
fn an_incomplete_script_does_nothing() {
    let release = Release::new(ok);
    let script = release.env.read("release/install.sh");
    let main = script.rfind("main \"$@\"").unwrap();
    let ends = script.match_indices('\n').map(|(end, _)| end);
    for end in ends.filter(|end| *end <= main).chain([main + 1, main + 3]) {
        hh_testing::run_with_input(&mut release.command(), &script[..end]).unwrap();
    }
    assert_eq!(release.server.requests().len(), 0);
    assert_eq!(release.files(), [""; 0]);
}

#[test]
fn the_script_chooses_the_static_archive_unless_glibc_is_new_enough() {
    let musl = "echo 'musl libc (x86_64)' >&2; exit 1";
    for (getconf, ldd, expected) in [
        ("echo 'glibc 2.34'", "exit 1", GNU),
        ("echo 'glibc 3.0'", "exit 1", GNU),
        ("echo 'glibc 2.33'", "exit 1", MUSL),
        ("echo 'glibc 2.9'", "exit 1", MUSL),
        (
            "exit 1",
            "echo 'ldd (Debian GLIBC 2.36-9+deb12u10) 2.36'",
            GNU,
        ),
        ("exit 1", "echo 'ldd (GNU libc) 2.17'", MUSL),
        ("exit 1", musl, MUSL),
    ] {
        let release = Release::new(ok);
        release.fake("getconf", getconf);
        release.fake("ldd", ldd);
        let done = release.install();
        assert_eq!(done.code, 0, "{}", done.stderr);
        let program = fs::read(release.env.path("home/.local/bin/honeyhive")).unwrap();
        let program = String::from_utf8_lossy(&program).into_owned();
        assert!(program.contains(expected), "{getconf}, {ldd}: {program}");
    }
}

#[test]
fn the_script_refuses_an_archive_with_a_wrong_sum() {
    let release = Release::new(|_| ok(b"other".to_vec()));
    let archive = release
        .env
        .path(&format!("release/honeyhive-1.2.3-{GNU}.tar.gz"));
    let expected = crate::release::sums::of_file(&archive).unwrap();
    let found = crate::release::sums::of_bytes(b"other");
    release.fails(&format!(
        "error: wrong SHA-256 sum of honeyhive-1.2.3-{GNU}.tar.gz: expected {expected}, found {found}\n  hint: download again; if the error persists, do not use the archive and report it\n"
    ));
}

#[test]
fn the_script_refuses_an_incomplete_download() {
    let release = Release::new(|bytes| {
        let mut reply = response_bytes("200 OK", "", bytes);
        reply.truncate(reply.len() - 10);
        Reply::Bytes(reply)
    });
    let before = release.files();
    let done = release.install();
    assert_eq!(done.code, 1);
    let error = format!(
        "error: cannot download {}/honeyhive-1.2.3-{GNU}.tar.gz",
        release.server.url()
    );
    assert!(done.stderr.starts_with(&error), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert_eq!(release.files(), before);
}

#[test]
fn the_script_refuses_a_damaged_archive_whose_sum_is_correct() {
    let release = Release::of(cut, ok);
    release.fails(&format!(
        "error: damaged archive: cannot extract honeyhive-1.2.3-{MUSL}.tar.gz\n"
    ));
}

#[test]
fn the_script_refuses_a_program_that_does_not_run() {
    let release = Release::of(
        |target| archive_of(target, "\x7fELF", "honeyhive-auth.1"),
        ok,
    );
    let tmp = release.env.path("tmp").display().to_string();
    release.fails(&format!(
        "error: the program does not run on this system: honeyhive-1.2.3-{MUSL}\n  hint: if programs cannot be run in {tmp}, set TMPDIR to another directory\n"
    ));
}

#[test]
fn the_script_refuses_platforms_without_an_archive() {
    for (system, machine) in [
        ("Linux", "riscv64"),
        ("Linux", "aarch64"),
        ("Darwin", "arm64"),
        ("FreeBSD", "amd64"),
    ] {
        let release = Release::new(ok);
        release.fake(
            "uname",
            &format!("case $1 in -s) echo {system} ;; *) echo {machine} ;; esac"),
        );
        release.fails(&format!(
            "error: unsupported platform: {system} {machine}\n  hint: on Windows, use the Windows Subsystem for Linux; on other Unix systems, run cargo install --locked hh-cli\n"
        ));
        assert_eq!(release.server.requests().len(), 0);
    }
}

#[test]
fn the_script_refuses_a_system_without_programs_that_it_needs() {
    let release = Release::new(ok);
    release.remove_tool("tar");
    release.fails("error: cannot extract the archive: tar is not installed\n  hint: install tar\n");
    release.remove_tool("sha256sum");
    release.fails("error: cannot verify the download: neither sha256sum nor shasum is installed\n  hint: install coreutils\n");
    release.remove_tool("curl");
    release.remove_tool("wget");
    release.fails(
        "error: cannot download: neither curl nor wget is installed\n  hint: install curl\n",
    );
    assert_eq!(release.server.requests().len(), 0);
}

#[test]
fn the_script_refuses_a_directory_that_it_cannot_write_to() {
    let mut release = Release::new(ok);
    release.env.write("home/file", "text");
    let hint = "hint: set HONEYHIVE_INSTALL_DIR to a directory that you can write to";
    // Even root cannot write to a file as if it were a directory.
    for directory in ["home/file", "home/file/bin"] {
        let directory = release.env.path(directory).display().to_string();
        release.env.set("HONEYHIVE_INSTALL_DIR", &directory);
        release.fails(&format!("error: cannot write to {directory}\n  {hint}\n"));
    }
    let directory = release.env.path("home/taken").display().to_string();
    fs::create_dir_all(format!("{directory}/honeyhive")).unwrap();
    release.env.set("HONEYHIVE_INSTALL_DIR", &directory);
    release.fails(&format!(
        "error: cannot install: {directory}/honeyhive is a directory\n"
    ));
}

#[test]
fn the_script_refuses_plain_http_from_other_machines() {
    let mut release = Release::new(ok);
    for url in [
        "http://example.com/files",
        "http://127.0.0.1.example.com",
        "file:///tmp",
    ] {
        release.env.set("HONEYHIVE_DOWNLOAD_URL", url);
        release.fails(&format!(
            "error: invalid HONEYHIVE_DOWNLOAD_URL: {url} does not begin with https://\n"
        ));
    }
}

#[test]
fn the_script_requires_a_home_or_an_install_directory() {
    let mut release = Release::new(ok);
    let install = |release: &Release| {
        run(release
            .command()
            .env_remove("HOME")
            .arg(release.env.path("release/install.sh")))
    };
    let done = install(&release);
    assert_eq!(done.code, 1);
    assert_eq!(
        done.stderr,
        "error: cannot determine the install directory: HOME is not set\n  hint: set HONEYHIVE_INSTALL_DIR\n"
    );
    // A directory with spaces, on PATH.
    let directory = release.env.path("tmp/my programs").display().to_string();
    release.env.set("HONEYHIVE_INSTALL_DIR", &directory);
    let path = format!("{}:{directory}", release.env.path("bin").display());
    release.env.set("PATH", &path);
    let done = install(&release);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stderr, "");
    assert_eq!(
        release.files(),
        ["tmp/my programs", "tmp/my programs/honeyhive"]
    );
}

#[test]
fn the_script_replaces_a_program_that_is_running_and_removes_pages_of_the_old_version() {
    let release = Release::new(ok);
    let program = release.env.path("home/.local/bin/honeyhive");
    release
        .env
        .write("home/.local/share/man/man1/honeyhive-old.1", "page");
    release
        .env
        .write("home/.local/share/man/man1/other.1", "page");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy("/bin/sh", &program).unwrap();
    let mut running = Command::new(&program)
        .args(["-c", "read line; exit 7"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let done = release.install();
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(fs::read(&program).unwrap().starts_with(b"#!/bin/sh"));
    let pages = files::below(&release.env.path("home/.local/share/man/man1")).unwrap();
    assert_eq!(
        pages,
        ["honeyhive-auth.1", "honeyhive.1", "other.1"].map(PathBuf::from)
    );
    running.stdin.take().unwrap().write_all(b"end\n").unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(7));
}

#[test]
fn the_script_describes_its_options_and_refuses_others() {
    let release = Release::new(ok);
    let script = release.env.path("release/install.sh");
    let help = run(release.command().arg(&script).arg("--help"));
    assert_eq!(help.code, 0);
    let url = super::url(root(), "1.2.3").unwrap();
    insta::assert_snapshot!(help.stdout.replace(&url, "URL"));
    let other = run(release.command().arg(&script).arg("--sudo"));
    assert_eq!(other.code, 1);
    assert_eq!(
        other.stderr,
        "error: unexpected argument: --sudo\n  hint: run the script with --help\n"
    );
}

#[test]
fn the_minimum_version_of_glibc_comes_from_the_program() {
    let program = b"\0GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.2.5\0GLIBC_PRIVATE\0GLIBC_9.9";
    assert_eq!(super::glibc_minimum(program), Some((2, 34)));
    assert_eq!(super::glibc_minimum(b"no version"), None);
}
