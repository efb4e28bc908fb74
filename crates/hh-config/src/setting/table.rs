//! The table of settings: names, variables, types, ranges, defaults and what acts on them, each stated once.
//!
//! It feeds loading, validation, suggestions, `config list`, the JSON Schema and the reference page. Settings that nothing
//! acts on yet follow from `planned.rs`.

use super::planned::with_planned;
use super::spec::{
    Consumer, Kind, ProjectFilePolicy, Protection, SettingSpec, UnsupportedVariable,
};

/// The base URL when nothing sets one (see `docs/design/decisions.md#p7`).
const DEFAULT_BASE_URL: &str = "https://api.honeyhive.ai";

macro_rules! settings {
    ($($id:ident => $declared:expr;)*) => {
        /// Every setting.
        pub static SETTINGS: &[SettingSpec] = &[$($declared),*];

        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "the names of the constants below")]
        enum Index { $($id),* }

        /// The names of the declared settings.
        pub mod names {
            use super::Index;
            use crate::setting::spec::SettingName;

            $(
                #[doc = concat!("The setting of [`SETTINGS`](crate::SETTINGS) named as this, in lower case.")]
                pub const $id: SettingName = SettingName(Index::$id as u8);
            )*
        }
    };
}

with_planned! { settings;
    // Credentials.
    API_KEY => SettingSpec::new("api_key", Kind::Text, Consumer::Requests, "API key").variables(&["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"]).secret();
    CREDENTIAL_COMMAND => SettingSpec::new("credential_command", Kind::List, Consumer::Requests, "program and arguments that print the API key, in place of `api_key`").project_file(ProjectFilePolicy::Denied);
    INGESTION_API_KEY => SettingSpec::new("ingestion_api_key", Kind::Text, Consumer::Requests, "API key for sessions and events alone").variables(&["HH_INGESTION_API_KEY"]).secret();
    CREDENTIAL_STORAGE => SettingSpec::new("credential_storage", Kind::Choice(&["auto", "keyring", "file"]), Consumer::CommandLine, "where `honeyhive auth login` keeps the API key").variables(&["HH_CREDENTIAL_STORAGE"]).default("auto");
    KEY_MAX_AGE_DAYS => SettingSpec::new("key_max_age_days", Kind::Count(1, 3650), Consumer::CommandLine, "days after which `honeyhive auth status` warns of an API key's age").variables(&["HH_KEY_MAX_AGE_DAYS"]).default("90");
    PROFILE => SettingSpec::new("profile", Kind::Text, Consumer::Loading, "profile of the credential store; the current one unless set").variables(&["HH_PROFILE"]).outside_files();

    // Where requests go, and for whom.
    BASE_URL => SettingSpec::new("base_url", Kind::Url, Consumer::Requests, "base URL of the API").variables(&["HH_BASE_URL", "HH_DATA_PLANE_URL", "HH_API_URL", "HONEYHIVE_SERVER_URL", "HH_SERVER_URL"]).default(DEFAULT_BASE_URL).project_file(ProjectFilePolicy::OnlyHosted);
    PROJECT => SettingSpec::new("project", Kind::Project, Consumer::Requests, "project name").variables(&["HH_PROJECT"]).aliases(&["default_project"]);
    SOURCE => SettingSpec::new("source", Kind::Text, Consumer::Tracer, "label of the deployment that traces").variables(&["HH_SOURCE"]).default("dev");
    SESSION_NAME => SettingSpec::new("session_name", Kind::Text, Consumer::Tracer, "name of the session that a tracer starts by itself").variables(&["HH_SESSION_NAME"]);
    ALLOWED_IPS => SettingSpec::new("allowed_ips", Kind::List, Consumer::Server, "addresses that may use the key; the server enforces such a list, no client can");

    // Which files are read.
    CONFIG_FILE => SettingSpec::new("config_file", Kind::Path, Consumer::Loading, "configuration file in place of the project file: YAML, JSON or TOML").variables(&["HH_CONFIG_FILE"]).outside_files();
    ENV_FILE => SettingSpec::new("env_file", Kind::Path, Consumer::Loading, "file of variables; the real environment wins over it").variables(&["HH_ENV_FILE"]).outside_files();
    ENVIRONMENT => SettingSpec::new("environment", Kind::Text, Consumer::Loading, "environment whose overlay is laid over the project or named file").variables(&["HH_ENVIRONMENT"]).outside_files();

    // Modes, and what is said.
    TEST_MODE => SettingSpec::new("test_mode", Kind::Boolean, Consumer::Requests, "open no connection at all").variables(&["HH_TEST_MODE"]).default("false");
    STRICT => SettingSpec::new("strict", Kind::Boolean, Consumer::Requests, "treat warnings about the API key as errors").variables(&["HH_STRICT"]).default("false");
    DEBUG => SettingSpec::new("debug", Kind::Boolean, Consumer::Requests, "debug lines on stderr; either variable switches it on").variables(&["HH_DEBUG", "HH_DEBUG_MODE"]).default("false");
    VERBOSE => SettingSpec::new("verbose", Kind::Boolean, Consumer::Requests, "a start-up summary on stderr").variables(&["HH_VERBOSE"]).default("false");
    LOG_LEVEL => SettingSpec::new("log_level", Kind::Choice(&["trace", "debug", "info", "warning", "warn", "error", "critical"]), Consumer::Requests, "least severe line on stderr; `debug` is as the setting `debug`").variables(&["HH_LOG_LEVEL"]).default("info");
    SECURITY_LOG => SettingSpec::new("security_log", Kind::Path, Consumer::Requests, "file that a record of key use goes to, a line of JSON for each event").variables(&["HH_SECURITY_LOG"]).project_file(ProjectFilePolicy::Denied);
    OUTPUT_FORMAT => SettingSpec::new("output_format", Kind::Choice(&["table", "json"]), Consumer::CommandLine, "form of the command line's output").variables(&["HH_OUTPUT_FORMAT"]).default("table");

    // Requests.
    TIMEOUT => SettingSpec::new("timeout", Kind::Seconds(1.0, 300.0), Consumer::Requests, "seconds that one call may take, retries included").variables(&["HH_TIMEOUT", "HH_API_TIMEOUT"]).default("30");
    MAX_RETRIES => SettingSpec::new("max_retries", Kind::Count(0, 10), Consumer::Requests, "how often a failed attempt is repeated").variables(&["HH_MAX_RETRIES"]).default("3");
    RETRY_DELAY => SettingSpec::new("retry_delay", Kind::Seconds(0.1, 60.0), Consumer::Requests, "longest delay before the first repeat, in seconds, which doubles each time; the delay is random below it").variables(&["HH_RETRY_DELAY"]).default("1");
    RATE_LIMIT_CALLS => SettingSpec::new("rate_limit_calls", Kind::Count(1, 1_000_000), Consumer::Requests, "requests that one window allows, repeats included; 100 if only the window is set").variables(&["HH_RATE_LIMIT_CALLS"]);
    RATE_LIMIT_WINDOW => SettingSpec::new("rate_limit_window", Kind::Seconds(0.1, 3600.0), Consumer::Requests, "seconds of a window of requests; 60 if only the calls are set").variables(&["HH_RATE_LIMIT_WINDOW"]);
    VERIFY_SSL => SettingSpec::new("verify_ssl", Kind::Boolean, Consumer::Requests, "check certificates; without it whoever sits in between can read the API key").variables(&["HH_VERIFY_SSL"]).default("true").project_file(ProjectFilePolicy::OnlyTrue);
    CA_BUNDLE => SettingSpec::new("ca_bundle", Kind::Path, Consumer::Requests, "PEM file of certificates to trust, in place of those of the system").variables(&["HH_CA_BUNDLE"]).project_file(ProjectFilePolicy::Denied);
    SSL_CERT_PATH => SettingSpec::new("ssl_cert_path", Kind::Path, Consumer::Requests, "as `ca_bundle`, unless `ssl_key_path` is set").variables(&["HH_SSL_CERT_PATH"]).project_file(ProjectFilePolicy::Denied);
    PROXY_URL => SettingSpec::new("proxy_url", Kind::Proxy, Consumer::Requests, "proxy of https requests, before `https_proxy`").variables(&["HH_PROXY_URL"]).project_file(ProjectFilePolicy::Denied);
    PROXY_USERNAME => SettingSpec::new("proxy_username", Kind::Text, Consumer::Requests, "user name at the proxy").variables(&["HH_PROXY_USERNAME"]).project_file(ProjectFilePolicy::Denied);
    PROXY_PASSWORD => SettingSpec::new("proxy_password", Kind::Text, Consumer::Requests, "password at the proxy").variables(&["HH_PROXY_PASSWORD"]).secret().project_file(ProjectFilePolicy::Denied);
    HTTP_PROXY => SettingSpec::new("http_proxy", Kind::Proxy, Consumer::Requests, "nothing: plain http goes to this machine only, and no proxy is used for that").variables(&["HH_HTTP_PROXY", "HTTP_PROXY", "http_proxy"]).project_file(ProjectFilePolicy::Denied);
    HTTPS_PROXY => SettingSpec::new("https_proxy", Kind::Proxy, Consumer::Requests, "proxy of https requests if `proxy_url` is not set").variables(&["HH_HTTPS_PROXY", "HTTPS_PROXY", "https_proxy"]).project_file(ProjectFilePolicy::Denied);
    NO_PROXY => SettingSpec::new("no_proxy", Kind::List, Consumer::Requests, "hosts that no proxy is used for: names with all below them, addresses, networks, or `*`").variables(&["HH_NO_PROXY", "NO_PROXY", "no_proxy"]).project_file(ProjectFilePolicy::Denied);

    // Tracing.
    BATCH_SIZE => SettingSpec::new("batch_size", Kind::Count(1, 1000), Consumer::Tracer, "spans in one export").variables(&["HH_BATCH_SIZE"]).default("100");
    FLUSH_INTERVAL => SettingSpec::new("flush_interval", Kind::Seconds(1.0, 300.0), Consumer::Tracer, "seconds after which waiting spans are exported").variables(&["HH_FLUSH_INTERVAL"]).default("5");
    MAX_QUEUE_SIZE => SettingSpec::new("max_queue_size", Kind::Count(100, 2_000_000), Consumer::Tracer, "spans that wait for export; the oldest are dropped beyond it").variables(&["HH_MAX_QUEUE_SIZE"]).default("8192");
    MAX_QUEUE_BYTES => SettingSpec::new("max_queue_bytes", Kind::Count(1_048_576, 17_179_869_184), Consumer::Tracer, "bytes of memory that waiting spans and session changes may use; the oldest spans are dropped beyond it").variables(&["HH_MAX_QUEUE_BYTES"]).default("67108864");
    DISABLE_TRACING => SettingSpec::new("disable_tracing", Kind::Boolean, Consumer::Tracer, "record no spans").variables(&["HH_DISABLE_TRACING"]).default("false");

}

/// What documents name and nothing here acts on.
pub static UNSUPPORTED: &[UnsupportedVariable] = &[
    UnsupportedVariable {
        variable: "HH_API_SECRET",
        reason: "no document says how a server would receive it",
    },
    UnsupportedVariable {
        variable: "HH_FOLLOW_REDIRECTS",
        reason: "no redirect is followed: it could carry the API key elsewhere",
    },
    UnsupportedVariable {
        variable: "HH_MAX_EXPORT_BATCH_SIZE",
        reason: "`batch_size` is the size of an export",
    },
    UnsupportedVariable {
        variable: "HH_EXPORT_TIMEOUT",
        reason: "`timeout` bounds an export too",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_ENABLED",
        reason: "there is no such cache to tune",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_MAX_SIZE",
        reason: "there is no such cache to tune",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_TTL",
        reason: "there is no such cache to tune",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_CLEANUP_INTERVAL",
        reason: "there is no such cache to tune",
    },
    UnsupportedVariable {
        variable: "HH_HIGH_CONCURRENCY",
        reason: "there is nothing to tune for it",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_ID",
        reason: "an experiment is named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_NAME",
        reason: "an experiment is named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_VARIANT",
        reason: "an experiment is named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_GROUP",
        reason: "an experiment is named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_METADATA",
        reason: "an experiment is named in code",
    },
    UnsupportedVariable {
        variable: "HH_TEST_API_KEY",
        reason: "it is the name of a secret in CI recipes, to be passed on as HH_API_KEY",
    },
];
