//! A reader that has gone.

use super::support::Place;

#[test]
fn a_closed_pipe_ends_the_program_without_a_word() {
    let place = Place::new();
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
