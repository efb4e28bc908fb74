//! A pipe whose reader is closed.

use super::support::TestDir;

#[test]
fn a_closed_pipe_ends_the_program_silently() {
    let place = TestDir::new();
    for arguments in [
        &["config", "list"][..],
        &["config", "list", "--output", "json"],
        &["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(arguments);
        command.stdout(writer);
        command.stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "",
            "{arguments:?}"
        );
    }
}
