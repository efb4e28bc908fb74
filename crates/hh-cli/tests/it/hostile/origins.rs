//! A stored key is sent only to the server that it was stored for, for every source of the base URL.

use super::{COMMANDS, KEY, OTHER_KEY, assert_refused, run_all};
use crate::support::{Loopback, TestEnv};

#[test]
fn a_stored_key_goes_to_no_other_origin() {
    let (own, other) = (Loopback::start(), Loopback::start());
    let env = TestEnv::new();
    env.store_key("work", &own.url(), KEY);
    // Another port, another name of the same machine and another scheme are other origins.
    for url in [
        other.url(),
        own.url().replace("127.0.0.1", "localhost"),
        own.url().replace("http:", "https:"),
    ] {
        env.write("c.yaml", format!("base_url: {url}\n"));
        env.write("e.env", format!("HH_BASE_URL={url}\n"));
        for (flags, variables) in [
            (&["--base-url", &url][..], ("HH_BASE_URL", &*url)),
            (&[], ("HH_BASE_URL", &*url)),
            (&[], ("HH_API_URL", &*url)),
            (&[], ("HH_CONFIG_FILE", "c.yaml")),
            (&[], ("HH_ENV_FILE", "e.env")),
        ] {
            let all = run_all(&env, "", flags, &[variables]);
            let what = format!("{flags:?} {variables:?} {url}");
            assert_refused(&what, &all, "log in to ");
        }
        let reveal = ["auth", "env", "--shell", "bash", "--reveal"];
        let done = env.run_with(&reveal, &["--base-url", &url]);
        assert_eq!((done.code, done.stdout.as_str()), (5, ""), "{done:?}");
    }
    other.assert_untouched("the key is for another server");
    own.assert_untouched("the base URL names another server");
}

#[test]
fn it_goes_to_its_own() {
    let own = Loopback::start();
    let env = TestEnv::new();
    env.store_key("work", &own.url(), KEY);
    let spelled = format!("{}/", own.url());
    for variables in [&[][..], &[("HH_BASE_URL", &*spelled)]] {
        for done in run_all(&env, "", &[], variables) {
            assert_eq!(done.code, 0, "{done:?}");
        }
    }
    let requests = own.requests();
    assert!(requests.len() >= 2 * COMMANDS.len(), "{requests:?}");
    assert!(requests.iter().all(|request| request.bearer() == Some(KEY)));
    // A key from another source is sent to the configured server.
    let other = Loopback::start();
    let flags = ["--base-url", &other.url(), "--api-key", OTHER_KEY];
    assert_eq!(env.run_with(&["project", "list"], &flags).code, 0);
    assert_eq!(other.request().bearer(), Some(OTHER_KEY));
}
