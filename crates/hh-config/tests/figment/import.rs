//! Tests layers that are read from figment providers.

use std::collections::BTreeMap;

use figment::providers::Serialized;
use figment::value::Value;
use figment::{Figment, Profile};
use hh_config::{
    Env, Kind, LoadErrorKind, LoadOptions, Placement, ProjectFilePolicy, SETTINGS, SettingName,
    Settings, Source, Stack, names,
};

use super::{AppFile, CANARY, SOURCES, Vault, lines, no_env, printed, stack_of};

fn project(stack: &Stack) -> String {
    stack.text(names::PROJECT).unwrap().unwrap().value
}

#[test]
fn values_of_all_types_are_read() {
    let app = Figment::new()
        .merge(("project", "007"))
        .merge(("timeout", 2))
        .merge(("retry_delay", 0.5))
        .merge(("max_retries", 4))
        .merge(("debug", true))
        .merge(("batch_size", "50"))
        .merge(("no_proxy", ["a,b", "c"]))
        .merge(("session_name", None::<String>))
        .merge(("source", " "));
    let stack = stack_of(Source::Named, app);
    let settings = Settings::from_stack(&stack).unwrap();
    assert_eq!(settings.project.unwrap().value, "007");
    assert_eq!(settings.timeout.value.as_secs(), 2);
    assert_eq!(settings.retry_delay.value.as_millis(), 500);
    assert_eq!(settings.max_retries.value, 4);
    assert!(settings.debug.value);
    assert_eq!(settings.batch_size.value, 50);
    assert!(settings.session_name.is_none());
    assert_eq!(settings.source.value, "dev", "a blank value is unset");
    let hosts: Vec<String> = stack.figment().extract_inner("no_proxy").unwrap();
    assert_eq!(hosts, ["a,b", "c"]);
}

#[test]
fn a_provider_has_the_precedence_of_its_source() {
    let env = Env::from_pairs([("HH_PROJECT", "env")]);
    for source in SOURCES {
        let options = LoadOptions::new().with_provider(source, Vault::new([("project", "vault")]));
        let stack = Stack::load(&env, options);
        let expected = if source > Source::Env { "vault" } else { "env" };
        assert_eq!(project(&stack), expected, "{source}");
        assert_eq!(stack.candidates(names::PROJECT).shadowed.len(), 1);
    }
    let options = LoadOptions::new()
        .with_project("direct")
        .with_provider(Source::Direct, Vault::new([("project", "vault")]));
    assert_eq!(project(&Stack::load(&no_env(), options)), "direct");
}

#[test]
fn a_later_provider_of_the_same_source_takes_precedence() {
    let options = LoadOptions::new()
        .with_provider(Source::Named, Vault::new([("project", "first")]))
        .with_provider(Source::Named, Vault::new([("project", "second")]));
    assert_eq!(project(&Stack::load(&no_env(), options)), "second");
}

#[test]
fn a_file_takes_precedence_over_a_provider_of_the_same_source() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.yaml");
    hh_testing::write(&path, "project: file\n");
    let env = Env::from_pairs([("HH_CONFIG_FILE", path)]);
    let vault = Vault::new([("project", "vault"), ("source", "vault")]);
    let stack = Stack::load(&env, LoadOptions::new().with_provider(Source::Named, vault));
    assert_eq!(project(&stack), "file");
    assert_eq!(stack.text(names::SOURCE).unwrap().unwrap().value, "vault");
}

#[test]
fn the_provenance_of_a_value_is_the_metadata_of_figment() {
    let file = AppFile(Ok([("project".to_owned(), "docs".into())].into()));
    let options = LoadOptions::new()
        .with_provider(Source::Named, file)
        .with_provider(Source::Direct, Vault::new([("timeout", 5)]));
    let stack = Stack::load(&no_env(), options);
    let place = |name| stack.explain_one(name).provenance;
    insta::assert_snapshot!(place(names::PROJECT), @"default.project in INI file /app/app.ini (named file)");
    insta::assert_snapshot!(place(names::PROJECT).label(), @"provider:default.project in INI file /app/app.ini");
    insta::assert_snapshot!(place(names::TIMEOUT), @"timeout in vault prod/app");
    insta::assert_snapshot!(place(names::TIMEOUT).label(), @"param");

    let stack = stack_of(Source::User, Serialized::default("project", "docs"));
    let place = stack.explain_one(names::PROJECT).provenance.to_string();
    assert!(place.starts_with("default.project in &str "), "{place}");
    assert!(place.contains("import.rs"), "{place}");
}

#[test]
fn the_provenance_survives_two_exchanges_with_figment() {
    let file = AppFile(Ok([("project".to_owned(), "docs".into())].into()));
    let first = stack_of(Source::Named, file);
    let metadata = first.figment().find_metadata("project").unwrap().clone();
    assert_eq!(metadata.name, "INI file");
    let key = metadata.interpolate(&Profile::Default, &["project"]);
    assert_eq!(key, "default.project");
    let path = metadata.source.as_ref().unwrap().file_path().unwrap();
    assert_eq!(path, std::path::Path::new("/app/app.ini"));

    let env = Env::from_pairs([("HH_TIMEOUT", "5")]);
    let env = Stack::load(&env, LoadOptions::new()).figment();
    let second = stack_of(Source::Direct, env);
    let place = second.explain_one(names::TIMEOUT).provenance;
    assert_eq!(
        place.to_string(),
        "timeout in environment variable HH_TIMEOUT"
    );
}

#[test]
fn the_selected_profile_overrides_the_default_profile() {
    let app = Figment::new()
        .merge(Serialized::default("project", "default"))
        .merge(Serialized::default("source", "default"))
        .merge(Serialized::from(
            [("project", "staging")]
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            "staging",
        ));
    let at = |profile: &str| project(&stack_of(Source::Named, app.clone().select(profile)));
    assert_eq!(at("default"), "default");
    assert_eq!(at("staging"), "staging");
    assert_eq!(at("other"), "default");
    let stack = stack_of(Source::Named, app.clone().select("staging"));
    let place = stack.explain_one(names::PROJECT).provenance.to_string();
    assert!(place.starts_with("staging.project in "), "{place}");
    let global = app
        .merge(Serialized::global("project", "global"))
        .select(Profile::const_new("staging"));
    assert_eq!(project(&stack_of(Source::Named, global)), "global");
}

#[test]
fn unknown_keys_are_errors_with_a_suggestion() {
    let vault = Vault::new([
        ("projct", Value::from("docs")),
        ("api_url", "https://x.example".into()),
        ("workers", 4.into()),
        ("environments", "x".into()),
        ("follow_redirects", true.into()),
        ("hh_canarycanary", "x".into()),
        ("line\nbreak", "x".into()),
        ("a.b", "x".into()),
    ]);
    let stack = stack_of(Source::Named, vault);
    let problems = lines(&stack.problems());
    assert!(!problems.contains("canary"), "{problems}");
    insta::assert_snapshot!(problems, @"
    Conflict: (name redacted) in vault prod/app: unknown setting (name redacted) => pass only settings of HoneyHive, for example with `Figment::focus`
    Conflict: api_url in vault prod/app: unknown setting api_url => use the name base_url
    Conflict: environments in vault prod/app: unknown setting environments => select a profile of figment instead
    Conflict: follow_redirects in vault prod/app: follow_redirects has no effect: redirects are never followed, because they could send the API key to another server => remove it
    Conflict: (name redacted) in vault prod/app: unknown setting (name redacted) => pass only settings of HoneyHive, for example with `Figment::focus`
    Conflict: (name redacted) in vault prod/app: unknown setting (name redacted) => pass only settings of HoneyHive, for example with `Figment::focus`
    Conflict: projct in vault prod/app: unknown setting projct => did you mean project?
    Conflict: workers in vault prod/app: unknown setting workers => pass only settings of HoneyHive, for example with `Figment::focus`
    ");
}

#[test]
fn a_part_of_a_figment_can_be_selected() {
    let app = Figment::new()
        .merge(Serialized::default("workers", 4))
        .merge(Serialized::default("honeyhive.project", "docs"));
    let stack = stack_of(Source::Named, app.focus("honeyhive"));
    assert_eq!(stack.problems().len(), 0);
    assert_eq!(project(&stack), "docs");
}

#[test]
fn a_provider_with_many_unknown_keys_has_few_problems() {
    let keys = (0..1000).map(|at| (format!("key{at}"), Value::from("x")));
    let problems = stack_of(Source::Named, Vault(keys.collect())).problems();
    assert_eq!(problems.len(), 21);
    let last = problems.last().unwrap().to_string();
    assert!(
        last.ends_with("further problems (not listed): 980"),
        "{last}"
    );
}

#[test]
fn conflicting_and_unsupported_keys_are_errors() {
    let vault = Vault::new([
        ("project", Value::from("docs")),
        ("default_project", "docs".into()),
        ("api_key", CANARY.into()),
        ("credential_command", vec!["print-key"].into()),
        ("proxy_password_file", "/run/secrets/proxy".into()),
        ("config_file", "/app.yaml".into()),
        ("timeout", "soon".into()),
        ("batch_size", 2.0.into()),
    ]);
    let stack = stack_of(Source::Named, vault);
    insta::assert_snapshot!(lines(&stack.problems()), @r#"
    Conflict: config_file in vault prod/app: config_file cannot be set in a provider with the source "named file" => remove it and set HH_CONFIG_FILE instead
    Conflict: project in vault prod/app: default_project and project are both set => remove one
    Conflict: proxy_password_file in vault prod/app: proxy_password_file cannot be set in a provider => read the file, and set proxy_password
    Conflict: api_key in vault prod/app: api_key and credential_command are both set => remove one
    Invalid: invalid value for timeout (timeout in vault prod/app): expected 1 to 300 seconds
    Invalid: invalid value for batch_size (batch_size in vault prod/app): expected a whole number from 1 to 1000
    "#);
}

#[test]
fn settings_that_files_cannot_contain_require_a_high_source() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.yaml");
    hh_testing::write(&path, "project: file\n");
    let path = path.display().to_string();
    for source in SOURCES {
        let stack = stack_of(source, Serialized::default("config_file", &path));
        if source < Source::DotEnv {
            assert_eq!(stack.problems()[0].kind(), LoadErrorKind::Conflict);
        } else {
            assert_eq!(stack.problems().len(), 0);
            assert_eq!(project(&stack), "file", "{source}");
        }
    }
}

#[test]
fn plain_http_can_be_allowed_only_by_a_source_of_the_user() {
    for source in SOURCES {
        let stack = stack_of(
            source,
            Serialized::default("insecure_http_hosts", ["server"]),
        );
        let problems = stack.problems();
        let kinds: Vec<_> = problems.iter().map(hh_config::Problem::kind).collect();
        let is_of_user = matches!(source, Source::User | Source::Named);
        if is_of_user || source >= Source::DotEnv {
            assert_eq!(kinds, [], "{source}");
            assert_eq!(
                stack.candidates(names::INSECURE_HTTP_HOSTS).shadowed.len(),
                0
            );
        } else {
            assert_eq!(kinds, [LoadErrorKind::Untrusted], "{source}");
        }
    }
}

#[test]
fn values_are_not_expanded() {
    let stack = stack_of(Source::Named, Vault::new([("project", "${HOME}-$<HOME>")]));
    assert_eq!(project(&stack), "${HOME}-$<HOME>");
}

/// Values of all types that contain a secret.
fn secret_values() -> Vec<Value> {
    let nested = BTreeMap::from([(CANARY, vec![CANARY])]);
    vec![
        Value::from(CANARY),
        Value::from(730_730_730_u64),
        Value::from(-730_730_730_i64),
        Value::from(730_730_730.5),
        Value::from(vec![CANARY]),
        Value::serialize([730_730_730]).unwrap(),
        Value::serialize(nested).unwrap(),
    ]
}

#[test]
fn no_message_contains_a_secret_of_a_provider() {
    let is_leaked = |text: &str| {
        ["canary", "730730730"]
            .iter()
            .any(|part| text.contains(part))
    };
    for value in secret_values() {
        for (name, declared) in SettingName::all().zip(SETTINGS) {
            let vault = Vault(vec![(name.as_str().to_owned(), value.clone())]);
            // Figment itself prints the value.
            let figment = Figment::from(&vault);
            assert!(is_leaked(&format!("{figment:?}")));

            let options = LoadOptions::new().with_provider(Source::Direct, &vault);
            assert!(!is_leaked(&format!("{options:?}")), "{name}");
            let stack = Stack::load(&no_env(), options);
            // A number or a text without a key in an ordinary setting is not a secret.
            let is_secret = declared.secret || format!("{value:?}").contains("canary");
            if is_secret && declared.kind != Kind::Path {
                assert!(!is_leaked(&printed(&stack)), "{name}");
                for figment in [stack.figment(), Figment::from(&stack)] {
                    let error = figment.extract::<bool>().unwrap_err();
                    assert!(
                        !is_leaked(&format!("{figment:?} {error:?} {error}")),
                        "{name}"
                    );
                }
            }
            if declared.secret && !matches!(value, Value::String(..)) && declared.kind == Kind::Text
            {
                assert_eq!(stack.problems()[0].kind(), LoadErrorKind::Invalid, "{name}");
            }
        }
    }
}

#[test]
fn a_number_is_not_an_api_key() {
    let stack = stack_of(Source::Env, Vault::new([("api_key", 12345)]));
    insta::assert_snapshot!(lines(&stack.problems()), @"Invalid: api_key in vault prod/app: invalid value for api_key: expected a string, found a number => quote the value");
}

#[test]
fn the_failure_of_a_provider_is_reported_without_its_text() {
    let text = format!("parse error at line 3, column 11\n3 | api_key = \"{CANARY}\"");
    let failing = AppFile(Err(text));
    let figment = Figment::from(failing.clone());
    assert!(
        figment
            .find_value("x")
            .unwrap_err()
            .to_string()
            .contains(CANARY)
    );

    let stack = stack_of(Source::Named, failing);
    assert!(!printed(&stack).contains("canary"));
    insta::assert_snapshot!(lines(&stack.problems()), @"Malformed: cannot read INI file /app/app.ini (line 3, column 11) => to see the cause, extract the provider with figment directly; its error can contain secrets");

    let other = AppFile(Err(format!("unexpected {CANARY}")));
    let both = Figment::from(other).merge(Serialized::defaults("not a map"));
    let stack = stack_of(Source::Named, both);
    assert!(!printed(&stack).contains("canary"));
    let kinds: Vec<_> = stack
        .problems()
        .iter()
        .map(hh_config::Problem::kind)
        .collect();
    assert_eq!(kinds, [LoadErrorKind::Unreadable; 2]);
}

#[test]
fn names_of_providers_are_safe_to_print() {
    struct Odd;
    impl figment::Provider for Odd {
        fn metadata(&self) -> figment::Metadata {
            let path = format!("/tmp/{CANARY}");
            figment::Metadata::from(format!("{CANARY}\n\u{1b}[2J"), std::path::Path::new(&path))
        }
        fn data(
            &self,
        ) -> Result<figment::value::Map<Profile, figment::value::Dict>, figment::Error> {
            Vault::new([("timeout", "soon")]).data()
        }
    }
    let stack = stack_of(Source::Named, Odd);
    let text = printed(&stack) + &stack.explain_one(names::TIMEOUT).provenance.to_string();
    assert!(
        !text.contains("canary") && !text.contains('\u{1b}'),
        "{text}"
    );
}

/// Returns a value that an untrusted project file may not set, if there is one.
fn restricted(declared: &hh_config::SettingSpec) -> Option<&'static str> {
    let is_url = matches!(declared.kind, Kind::Url | Kind::Proxy);
    match declared.project_file {
        ProjectFilePolicy::OnlyTrue => Some("false"),
        ProjectFilePolicy::OnlyHosted | ProjectFilePolicy::Denied if is_url => {
            Some("https://other.example")
        }
        ProjectFilePolicy::Denied if declared.kind == Kind::Map => Some("{\"x\": \"y\"}"),
        ProjectFilePolicy::Denied => Some("5"),
        ProjectFilePolicy::Allowed | ProjectFilePolicy::OnlyHosted | _ => None,
    }
}

#[test]
fn a_provider_in_place_of_a_project_file_is_not_trusted() {
    let mut tested = 0;
    for declared in SETTINGS
        .iter()
        .filter(|declared| declared.place == Placement::Anywhere)
    {
        let Some(value) = restricted(declared) else {
            continue;
        };
        tested += 1;
        for source in SOURCES {
            let stack = stack_of(source, Vault::new([(declared.name, value)]));
            let name = SettingName::find(declared.name).unwrap();
            let is_set = stack.candidates(name).winner.is_some();
            let is_restricted = [Source::Project, Source::Overlay].contains(&source);
            assert_eq!(is_set, !is_restricted, "{name} from {source}");
            let untrusted = stack
                .problems()
                .iter()
                .any(|problem| problem.kind() == LoadErrorKind::Untrusted);
            assert_eq!(untrusted, is_restricted, "{name} from {source}");
        }
    }
    assert!(tested > 10, "{tested}");
    let vault = Vault::new([("base_url", "https://other.example"), ("project", "docs")]);
    let stack = stack_of(Source::Project, vault);
    insta::assert_snapshot!(lines(&stack.problems()), @r#"Untrusted: base_url in vault prod/app: a provider with the source "project file" cannot set base_url to a server other than https://*.honeyhive.ai => add the provider with another source, such as `Source::Named`, if it is trusted"#);
    assert_eq!(project(&stack), "docs");
}

#[test]
fn a_key_of_a_provider_in_place_of_a_project_file_has_a_warning() {
    let warnings = |source| {
        let stack = stack_of(
            source,
            AppFile(Ok([("api_key".to_owned(), CANARY.into())].into())),
        );
        assert_eq!(stack.problems().len(), 0);
        stack.warnings().join("\n")
    };
    insta::assert_snapshot!(warnings(Source::Project), @"api_key comes from default.api_key in INI file /app/app.ini (project file); keep that file out of version control");
    assert_eq!(warnings(Source::Named), "");
}

/// A provider whose source is an address with a password and a token.
struct Remote;

impl figment::Provider for Remote {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::from(
            "Vault",
            "https://user:s3cret@vault.example/kv?token=s3cret".to_owned(),
        )
    }

    fn data(&self) -> Result<figment::value::Map<Profile, figment::value::Dict>, figment::Error> {
        Ok(Profile::Default.collect(figment::util::map!["timeout".to_owned() => Value::from(0)]))
    }
}

#[test]
fn the_address_of_a_provider_is_printed_without_its_password_and_query() {
    let source = figment::Provider::metadata(&Remote).source.unwrap();
    assert!(source.to_string().contains("s3cret"));
    let stack = stack_of(Source::Named, Remote);
    let problems = lines(&stack.problems());
    assert!(
        problems.contains("Vault https://vault.example"),
        "{problems}"
    );
    assert!(!printed(&stack).contains("s3cret"), "{}", printed(&stack));
}
