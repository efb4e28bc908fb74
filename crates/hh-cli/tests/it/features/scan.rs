//! Keys in code and in the build context of images.

use hh_auth::Level;

use crate::scan::{POSSIBLE, minted};
use crate::support::TestEnv;

// Feature S17.
#[test]
fn a_key_in_code_is_found_with_its_location_and_redacted() {
    let env = TestEnv::new();
    let key = minted(Level::ReadWrite);
    env.write(
        "src/app.py",
        format!("import honeyhive\n\nhoneyhive.init(api_key=\"{key}\")\n"),
    );
    let done = env.run(&["auth", "scan"]);
    let wanted = format!("src/app.py:3:25: confirmed project key {}***\n", &key[..8]);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (1, wanted.as_str()),
        "{done:?}"
    );
    assert!(
        done.stderr.ends_with("error: found 1 API key in 1 file\n"),
        "{done:?}"
    );
    assert!(done.stderr.contains("`honeyhive auth rotate`"), "{done:?}");
    assert!(env.read("src/app.py").contains(&key[8..]));
    assert!(!format!("{done:?}").contains(&key[8..]), "{done:?}");
    // Code without a key.
    env.write("src/app.py", "import honeyhive\n\nhoneyhive.init()\n");
    assert_eq!(env.run(&["auth", "scan"]).code, 0);
}

// Feature S37.
#[test]
fn a_hard_coded_key_of_the_hosted_service_is_possible_and_samples_are_not() {
    let env = TestEnv::new();
    env.write(
        "config.ts",
        format!("export const apiKey = '{POSSIBLE}';\n"),
    );
    let done = env.run(&["auth", "scan"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(
        done.stdout,
        "config.ts:1:24: possible project key hh_k7Qm2***\n"
    );
    assert!(!format!("{done:?}").contains(&POSSIBLE[8..]), "{done:?}");
    // The samples of the documentation, and placeholders for keys.
    let samples = [
        "hh_1234567890abcdef1234567890abcdef",
        "hh_your_api_key_here",
        "hh_dev_1234567890abcdef",
        "hh_prod_secure_key_here",
        "hh_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "${HH_API_KEY}",
    ];
    env.write(
        "config.ts",
        samples
            .map(|sample| format!("HH_API_KEY={sample}\n"))
            .concat(),
    );
    assert_eq!(env.run(&["auth", "scan"]).code, 0);
}

// Feature S69.
#[test]
fn a_key_given_to_the_build_of_an_image_is_flagged() {
    let key = minted(Level::ReadWrite);
    let begin = &key[..8];
    for (instruction, wanted) in [
        (
            "ARG HH_API_KEY",
            "2:5: possible key in a build argument".to_owned(),
        ),
        (
            "ARG HH_API_KEY=literal",
            "2:5: possible key in a build argument ***".to_owned(),
        ),
        (
            "ENV HH_API_KEY=literal",
            "2:5: possible key in a variable of an image ***".to_owned(),
        ),
        (
            "ENV HH_API_KEY=$HH_API_KEY",
            "2:5: possible key in a variable of an image ***".to_owned(),
        ),
        (
            &format!("ENV HH_API_KEY={key}"),
            format!("2:16: confirmed project key {begin}***"),
        ),
        (
            &format!("ARG HH_API_KEY=\"{key}\""),
            format!("2:17: confirmed project key {begin}***"),
        ),
    ] {
        for name in ["Dockerfile", "build/api.Dockerfile", "Containerfile.dev"] {
            let env = TestEnv::new();
            env.write(name, format!("FROM debian\n{instruction}\nRUN make\n"));
            let done = env.run(&["auth", "scan"]);
            assert_eq!((done.code, done.stdout), (1, format!("{name}:{wanted}\n")));
        }
    }
    // The recommended methods leave no key in the image.
    let env = TestEnv::new();
    env.write(
        "Dockerfile",
        "FROM debian\nENV HH_API_KEY_FILE=/run/secrets/key\nRUN --mount=type=secret,id=key,env=HH_API_KEY make\n",
    );
    assert_eq!(env.run(&["auth", "scan"]).code, 0);
}
