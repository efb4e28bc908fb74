//! Lists all settings with their names, variables, types, ranges, defaults and consumers.
//!
//! Loading, validation, suggestions, `config list`, the JSON Schema and the reference page use this table. `planned.rs`
//! adds the settings that are not implemented yet.

use super::planned::with_planned;
use super::spec::{
    Consumer, Kind, ProjectFilePolicy, Protection, SettingSpec, UnsupportedVariable,
};

/// The default base URL (see `docs/design/decisions.md#p7`).
const DEFAULT_BASE_URL: &str = "https://api.honeyhive.ai";

macro_rules! settings {
    ($($id:ident => $declared:expr;)*) => {
        /// The table of all settings.
        pub static SETTINGS: &[SettingSpec] = &[$($declared),*];

        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "the names of the constants below")]
        enum Index { $($id),* }

        /// The names of all settings.
        pub mod names {
            use super::Index;
            use crate::setting::spec::SettingName;

            $(
                #[doc = concat!("The setting in [`SETTINGS`](crate::SETTINGS) that has the name of this constant in lower case.")]
                pub const $id: SettingName = SettingName(Index::$id as u8);
            )*
        }
    };
}

with_planned! { settings;
    // Credentials.
    API_KEY => SettingSpec::new("api_key", Kind::Text, Consumer::Requests, "API key").variables(&["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"]).secret();
    CREDENTIAL_COMMAND => SettingSpec::new("credential_command", Kind::List, Consumer::Requests, "program and arguments that print the API key, instead of `api_key`").project_file(ProjectFilePolicy::Denied);
    INGESTION_API_KEY => SettingSpec::new("ingestion_api_key", Kind::Text, Consumer::Requests, "API key for sessions and events only").variables(&["HH_INGESTION_API_KEY"]).secret();
    CREDENTIAL_STORAGE => SettingSpec::new("credential_storage", Kind::Choice(&["auto", "keyring", "file"]), Consumer::CommandLine, "where `honeyhive auth login` saves the API key; `auto` uses the system keyring if available, otherwise a file").variables(&["HH_CREDENTIAL_STORAGE"]).default("auto");
    KEY_MAX_AGE_DAYS => SettingSpec::new("key_max_age_days", Kind::Count(1, 3650), Consumer::CommandLine, "maximum age of an API key in days; `honeyhive auth status` prints a warning if the key is older").variables(&["HH_KEY_MAX_AGE_DAYS"]).default("90");
    PROFILE => SettingSpec::new("profile", Kind::Name, Consumer::Loading, "credential profile to use; the current profile by default").variables(&["HH_PROFILE"]).outside_files();

    // Server, project and labels.
    BASE_URL => SettingSpec::new("base_url", Kind::Url, Consumer::Requests, "base URL of the API").variables(&["HH_BASE_URL", "HH_DATA_PLANE_URL", "HH_API_URL", "HONEYHIVE_SERVER_URL", "HH_SERVER_URL"]).default(DEFAULT_BASE_URL).project_file(ProjectFilePolicy::OnlyHosted);
    PROJECT => SettingSpec::new("project", Kind::Project, Consumer::Requests, "project name").variables(&["HH_PROJECT"]).aliases(&["default_project"]);
    SOURCE => SettingSpec::new("source", Kind::Name, Consumer::Tracer, "deployment label of traces, such as `production`").variables(&["HH_SOURCE"]).default("dev");
    SESSION_NAME => SettingSpec::new("session_name", Kind::Name, Consumer::Tracer, "name of the session that a tracer starts automatically").variables(&["HH_SESSION_NAME"]);
    ALLOWED_IPS => SettingSpec::new("allowed_ips", Kind::List, Consumer::Server, "IP addresses that may use the API key; only the server can enforce this list");

    // Files.
    CONFIG_FILE => SettingSpec::new("config_file", Kind::Path, Consumer::Loading, "configuration file to read instead of the project file (YAML, JSON or TOML)").variables(&["HH_CONFIG_FILE"]).outside_files();
    ENV_FILE => SettingSpec::new("env_file", Kind::Path, Consumer::Loading, "`.env` file to load variables from; the process environment takes precedence").variables(&["HH_ENV_FILE"]).outside_files();
    ENVIRONMENT => SettingSpec::new("environment", Kind::Name, Consumer::Loading, "environment whose overlay is applied over the project file, or over the file that `config_file` names").variables(&["HH_ENVIRONMENT"]).outside_files();

    // Modes and output.
    TEST_MODE => SettingSpec::new("test_mode", Kind::Boolean, Consumer::Requests, "disable all network connections and return test responses").variables(&["HH_TEST_MODE"]).default("false");
    STRICT => SettingSpec::new("strict", Kind::Boolean, Consumer::Requests, "treat warnings about the API key as errors").variables(&["HH_STRICT"]).default("false");
    DEBUG => SettingSpec::new("debug", Kind::Boolean, Consumer::Requests, "print debug lines to stderr; either variable enables it").variables(&["HH_DEBUG", "HH_DEBUG_MODE"]).default("false");
    VERBOSE => SettingSpec::new("verbose", Kind::Boolean, Consumer::Requests, "print a start-up summary to stderr").variables(&["HH_VERBOSE"]).default("false");
    LOG_LEVEL => SettingSpec::new("log_level", Kind::Choice(&["trace", "debug", "info", "warning", "warn", "error", "critical"]), Consumer::Requests, "minimum log level on stderr; the value `debug` has the same effect as `debug: true`").variables(&["HH_LOG_LEVEL"]).default("info");
    SECURITY_LOG => SettingSpec::new("security_log", Kind::Path, Consumer::Requests, "file to append security events to, such as logins and rotations, one JSON object per line").variables(&["HH_SECURITY_LOG"]).project_file(ProjectFilePolicy::Denied);
    OUTPUT_FORMAT => SettingSpec::new("output_format", Kind::Choice(&["table", "json", "jsonl", "yaml", "csv"]), Consumer::CommandLine, "output format of the command line").variables(&["HH_OUTPUT_FORMAT"]).default("table");

    // Requests.
    TIMEOUT => SettingSpec::new("timeout", Kind::Seconds(1.0, 300.0), Consumer::Requests, "time limit of one call in seconds, including retries").variables(&["HH_TIMEOUT", "HH_API_TIMEOUT"]).default("30");
    MAX_RETRIES => SettingSpec::new("max_retries", Kind::Count(0, 10), Consumer::Requests, "maximum number of retries of a failed request").variables(&["HH_MAX_RETRIES"]).default("3");
    RETRY_DELAY => SettingSpec::new("retry_delay", Kind::Seconds(0.1, 60.0), Consumer::Requests, "maximum delay in seconds before the first retry; the maximum doubles with each retry, and the actual delay is a random value up to the maximum").variables(&["HH_RETRY_DELAY"]).default("1");
    RATE_LIMIT_CALLS => SettingSpec::new("rate_limit_calls", Kind::Count(1, 1_000_000), Consumer::Requests, "maximum number of requests in each `rate_limit_window`, including retries; 100 if only `rate_limit_window` is set").variables(&["HH_RATE_LIMIT_CALLS"]);
    RATE_LIMIT_WINDOW => SettingSpec::new("rate_limit_window", Kind::Seconds(0.1, 3600.0), Consumer::Requests, "period in seconds to which `rate_limit_calls` applies; 60 if only `rate_limit_calls` is set").variables(&["HH_RATE_LIMIT_WINDOW"]);
    VERIFY_SSL => SettingSpec::new("verify_ssl", Kind::Boolean, Consumer::Requests, "verify TLS certificates; if disabled, attackers on the network can read the API key").variables(&["HH_VERIFY_SSL"]).default("true").project_file(ProjectFilePolicy::OnlyTrue);
    INSECURE_HTTP_HOSTS => SettingSpec::new("insecure_http_hosts", Kind::Hosts, Consumer::Requests, "hosts that plain HTTP is allowed for, as exact names or IP addresses; anyone on the network can read the API key and all data").variables(&["HH_INSECURE_HTTP_HOSTS"]).own_files();
    CA_BUNDLE => SettingSpec::new("ca_bundle", Kind::Path, Consumer::Requests, "PEM file of trusted certificates, used instead of the system trust store").variables(&["HH_CA_BUNDLE"]).project_file(ProjectFilePolicy::Denied);
    SSL_CERT_PATH => SettingSpec::new("ssl_cert_path", Kind::Path, Consumer::Requests, "same as `ca_bundle`; no effect if `ca_bundle` or `ssl_key_path` is set").variables(&["HH_SSL_CERT_PATH"]).project_file(ProjectFilePolicy::Denied);
    PROXY_URL => SettingSpec::new("proxy_url", Kind::Proxy, Consumer::Requests, "proxy for HTTPS requests; takes precedence over `https_proxy`").variables(&["HH_PROXY_URL"]).project_file(ProjectFilePolicy::Denied);
    PROXY_USERNAME => SettingSpec::new("proxy_username", Kind::Text, Consumer::Requests, "user name for the proxy").variables(&["HH_PROXY_USERNAME"]).project_file(ProjectFilePolicy::Denied);
    PROXY_PASSWORD => SettingSpec::new("proxy_password", Kind::Text, Consumer::Requests, "password for the proxy").variables(&["HH_PROXY_PASSWORD"]).secret().project_file(ProjectFilePolicy::Denied);
    HTTP_PROXY => SettingSpec::new("http_proxy", Kind::Proxy, Consumer::Requests, "no effect: requests over plain HTTP never use a proxy, because it could read the API key").variables(&["HH_HTTP_PROXY", "HTTP_PROXY", "http_proxy"]).project_file(ProjectFilePolicy::Denied);
    HTTPS_PROXY => SettingSpec::new("https_proxy", Kind::Proxy, Consumer::Requests, "proxy for HTTPS requests if `proxy_url` is not set").variables(&["HH_HTTPS_PROXY", "HTTPS_PROXY", "https_proxy"]).project_file(ProjectFilePolicy::Denied);
    ALL_PROXY => SettingSpec::new("all_proxy", Kind::Proxy, Consumer::Requests, "proxy for HTTPS requests if neither `proxy_url` nor `https_proxy` is set").variables(&["ALL_PROXY", "all_proxy"]).project_file(ProjectFilePolicy::Denied).outside_files();
    NO_PROXY => SettingSpec::new("no_proxy", Kind::HostPatterns, Consumer::Requests, "hosts to connect to without a proxy: domains including their subdomains, IP addresses, networks, or `*` for all").variables(&["HH_NO_PROXY", "NO_PROXY", "no_proxy"]).project_file(ProjectFilePolicy::Denied);

    // Tracing.
    BATCH_SIZE => SettingSpec::new("batch_size", Kind::Count(1, 1000), Consumer::Tracer, "number of spans per export").variables(&["HH_BATCH_SIZE"]).default("100");
    FLUSH_INTERVAL => SettingSpec::new("flush_interval", Kind::Seconds(1.0, 300.0), Consumer::Tracer, "time in seconds after which queued spans are exported").variables(&["HH_FLUSH_INTERVAL"]).default("5");
    MAX_QUEUE_SIZE => SettingSpec::new("max_queue_size", Kind::Count(100, 2_000_000), Consumer::Tracer, "maximum number of queued spans; if it is exceeded, the oldest spans are dropped").variables(&["HH_MAX_QUEUE_SIZE"]).default("8192");
    MAX_QUEUE_BYTES => SettingSpec::new("max_queue_bytes", Kind::Count(1_048_576, 17_179_869_184), Consumer::Tracer, "maximum memory in bytes for queued spans and session changes; if it is exceeded, the oldest spans are dropped").variables(&["HH_MAX_QUEUE_BYTES"]).default("67108864");
    DISABLE_TRACING => SettingSpec::new("disable_tracing", Kind::Boolean, Consumer::Tracer, "disable the recording of spans").variables(&["HH_DISABLE_TRACING"]).default("false");

}

/// The documented variables that have no effect.
pub static UNSUPPORTED: &[UnsupportedVariable] = &[
    UnsupportedVariable {
        variable: "HH_API_SECRET",
        reason: "no API operation accepts it",
    },
    UnsupportedVariable {
        variable: "HH_FOLLOW_REDIRECTS",
        reason: "redirects are never followed, because they could send the API key to another server",
    },
    UnsupportedVariable {
        variable: "HH_MAX_EXPORT_BATCH_SIZE",
        reason: "`batch_size` sets the size of an export",
    },
    UnsupportedVariable {
        variable: "HH_EXPORT_TIMEOUT",
        reason: "`timeout` also limits an export",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_ENABLED",
        reason: "there is no cache to configure",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_MAX_SIZE",
        reason: "there is no cache to configure",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_TTL",
        reason: "there is no cache to configure",
    },
    UnsupportedVariable {
        variable: "HH_CACHE_CLEANUP_INTERVAL",
        reason: "there is no cache to configure",
    },
    UnsupportedVariable {
        variable: "HH_HIGH_CONCURRENCY",
        reason: "there is no special mode for high concurrency",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_ID",
        reason: "experiments are named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_NAME",
        reason: "experiments are named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_VARIANT",
        reason: "experiments are named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_GROUP",
        reason: "experiments are named in code",
    },
    UnsupportedVariable {
        variable: "HH_EXPERIMENT_METADATA",
        reason: "experiments are named in code",
    },
    UnsupportedVariable {
        variable: "HH_TEST_API_KEY",
        reason: "CI workflows use it as the name of a secret; set HH_API_KEY to that secret",
    },
];
