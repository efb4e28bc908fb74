//! Tests the merging of figment in both directions, with files and variables of a process.

use figment::providers::{Format, Toml};
use figment::value::Value;
use figment::{Figment, Jail};
use hh_config::{Env, LoadErrorKind, LoadOptions, Settings, Source, Stack, names};

use super::{App, honeyhive, merged, own_figment, report};

const CANARY: &str = "hh_canarycanarycanarycanarycanary00";

/// Runs a test in an empty directory, without the variables of this process.
fn in_jail(test: impl FnOnce(&mut Jail)) {
    Jail::expect_with(|jail| {
        jail.clear_env();
        test(jail);
        Ok(())
    });
}

/// Takes a snapshot of the process as a program does, without the files of this machine.
fn env() -> Env {
    Env::from_process().with_system_dir("no-system-dir")
}

fn is_leaked(text: &str) -> bool {
    text.contains("canary") || text.contains("730730")
}

#[test]
fn values_of_the_application_rank_at_the_source_of_their_provider() {
    in_jail(|jail| {
        jail.create_file(
            "app.toml",
            "workers = 2\n[honeyhive]\nproject = \"toml\"\nsource = \"toml\"\ntimeout = 20\nmax_retries = 7\n",
        )
        .unwrap();
        jail.create_file(
            "honeyhive.yaml",
            "timeout: 10\nmax_retries: 8\nbatch_size: 9\n",
        )
        .unwrap();
        jail.set_env("APP_HONEYHIVE__PROJECT", "app");
        jail.set_env("HH_SOURCE", "env");
        let stack = honeyhive(&env(), &own_figment());
        let settings = Settings::from_stack(&stack).unwrap();
        assert_eq!(settings.project.unwrap().value, "app", "APP_ over app.toml");
        assert_eq!(settings.source.value, "env", "HH_ over a named provider");
        assert_eq!(
            settings.timeout.value.as_secs(),
            20,
            "named over project file"
        );
        assert_eq!(settings.max_retries.value, 7);
        assert_eq!(
            settings.batch_size.value, 9,
            "the project file still applies"
        );

        let place = |name| stack.explain_one(name).provenance.to_string();
        let file = jail.directory().join("app.toml");
        assert_eq!(
            place(names::PROJECT),
            "PROJECT in `APP_` environment variable(s) (named file)"
        );
        assert_eq!(
            place(names::TIMEOUT),
            format!(
                "default.timeout in TOML file {} (named file)",
                file.display()
            )
        );
        assert_eq!(place(names::SOURCE), "HH_SOURCE (environment)");
        let shadowed = &stack.explain_one(names::SOURCE).shadowed[0].provenance;
        assert!(shadowed.to_string().contains("app.toml"));
        assert!(
            report(&stack)
                .unwrap()
                .contains("project = app from PROJECT in `APP_`")
        );
    });
}

#[test]
fn the_application_merges_the_settings_of_honeyhive() {
    in_jail(|jail| {
        jail.create_file("app.toml", "workers = 2\nproject = \"toml\"\n")
            .unwrap();
        jail.create_file("honeyhive.yaml", "# team\nmax_retries: 8\n")
            .unwrap();
        jail.set_env("HH_PROJECT", "env");
        let stack = honeyhive(&env(), &own_figment());
        let figment = merged(own_figment(), &stack);
        let app: App = figment.extract().unwrap();
        let expected = App {
            workers: 2,
            project: Some("env".to_owned()),
            timeout: 30.0,
        };
        assert_eq!(app, expected);

        // Merged below the application, its values take precedence.
        let below: App = stack
            .figment_defaults()
            .merge(&stack)
            .merge(own_figment())
            .extract()
            .unwrap();
        assert_eq!(below.project.as_deref(), Some("toml"));

        // A default of HoneyHive never replaces a value of the application.
        jail.create_file("app.toml", "timeout = 1.5\n").unwrap();
        let app: App = merged(own_figment(), &stack).extract().unwrap();
        assert_eq!(app.timeout, 1.5);

        let metadata = |key: &str| figment.find_metadata(key).unwrap();
        let source = |key: &str| metadata(key).source.clone().unwrap();
        assert_eq!(source("project").custom(), Some("HH_PROJECT"));
        assert_eq!(metadata("project").name, "environment variable");
        assert!(
            source("max_retries")
                .file_path()
                .unwrap()
                .ends_with("honeyhive.yaml")
        );
        assert_eq!(
            metadata("max_retries").name,
            "project file, line 2, column 14"
        );
        assert!(source("workers").file_path().unwrap().ends_with("app.toml"));
        assert_eq!(metadata("timeout").name, "default");

        let error = figment
            .extract_inner::<bool>("project")
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("for key \"project\" in HH_PROJECT environment variable"),
            "{error}"
        );
        let error = Figment::from(&stack)
            .extract_inner::<bool>("max_retries")
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("honeyhive.yaml:2:14 (project file)"),
            "{error}"
        );
    });
}

#[test]
fn no_secret_is_in_a_figment_or_an_error() {
    in_jail(|jail| {
        jail.set_env("HH_API_KEY", CANARY);
        jail.set_env(
            "HH_PROXY_URL",
            format!("http://user:{CANARY}@proxy.example"),
        );
        jail.set_env("HH_TIMEOUT", "5");
        let stack = honeyhive(&env(), &own_figment());
        let exposed = stack.figment_with_exposed_secrets();
        assert!(is_leaked(&format!("{exposed:?}")), "the secret is there");
        let error = exposed.extract_inner::<bool>("api_key").unwrap_err();
        assert!(is_leaked(&error.to_string()), "figment prints values");

        for figment in [
            stack.figment(),
            stack.figment_defaults(),
            Figment::from(&stack),
            merged(own_figment(), &stack),
            own_figment().merge(&stack),
        ] {
            assert!(!is_leaked(&format!("{figment:?}")));
            assert!(!figment.contains("api_key") && !figment.contains("proxy_url"));
            let error = figment.extract::<bool>().unwrap_err();
            assert!(!is_leaked(&format!("{error} {error:?}")));
        }
        assert!(report(&stack).unwrap().contains("api_key from HH_API_KEY"));
    });
}

#[test]
fn a_secret_whose_type_figment_guesses_is_not_printed() {
    let values = [
        "730730",
        "[730730]",
        "{x=\"canary\"}",
        "-730730.5",
        "[\"canary\"]",
    ];
    for value in values {
        in_jail(|jail| {
            jail.set_env("APP_HONEYHIVE__API_KEY", value);
            let own = own_figment();
            let guessed: Value = own.find_value("honeyhive.api_key").unwrap();
            assert!(guessed.as_str().is_none(), "figment reads {guessed:?}");
            assert!(is_leaked(&format!("{own:?}")), "figment prints values");

            let options = LoadOptions::new().with_provider(Source::Env, own.focus("honeyhive"));
            assert!(!is_leaked(&format!("{options:?}")));
            let stack = Stack::load(&env(), options);
            let error = Settings::from_stack(&stack).unwrap_err();
            assert_eq!(error.kind(), LoadErrorKind::Invalid);
            assert!(error.message().contains("API_KEY in `APP_`"), "{error}");
            assert!(!is_leaked(&format!("{error} {error:?} {stack:?}")));
            let figment = stack.figment();
            let error = figment.extract::<App>().unwrap_err();
            assert!(!is_leaked(&format!("{figment:?} {error} {error:?}")));
        });
    }
}

#[test]
fn a_syntax_error_is_reported_without_the_line() {
    in_jail(|jail| {
        jail.create_file("app.toml", &format!("[honeyhive]\napi_key = {CANARY}\n"))
            .unwrap();
        let own = own_figment();
        let error = own.extract::<App>().unwrap_err();
        assert!(is_leaked(&error.to_string()), "figment prints the line");

        let stack = honeyhive(&env(), &own);
        let error = Settings::from_stack(&stack).unwrap_err();
        assert_eq!(error.kind(), LoadErrorKind::Malformed);
        assert!(
            error.message().contains("app.toml (line 2, column "),
            "{error}"
        );
        assert!(!is_leaked(&format!("{error} {error:?} {stack:?}")));
    });
}

#[test]
fn unknown_keys_of_the_section_are_errors() {
    in_jail(|jail| {
        jail.create_file("app.toml", "workers = 2\n[honeyhive]\nprojct = \"docs\"\n")
            .unwrap();
        let error = Settings::from_stack(&honeyhive(&env(), &own_figment())).unwrap_err();
        assert!(
            error.message().ends_with("unknown setting projct"),
            "{error}"
        );
        assert_eq!(error.hint(), Some("did you mean project?"));
    });
}

#[test]
fn a_file_of_the_working_directory_is_not_trusted_as_a_project_file() {
    in_jail(|jail| {
        let text = "base_url = \"https://other.example\"\n";
        jail.create_file("app.toml", text).unwrap();
        let load = |source| {
            let options = LoadOptions::new().with_provider(source, Toml::file("app.toml"));
            let stack = Stack::load(&env(), options);
            Settings::from_stack(&stack).map(|settings| settings.base_url.value.to_string())
        };
        assert_eq!(
            load(Source::Project).unwrap_err().kind(),
            LoadErrorKind::Untrusted
        );
        assert_eq!(load(Source::Named).unwrap(), "https://other.example");
    });
}
