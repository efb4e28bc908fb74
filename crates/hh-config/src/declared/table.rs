//! The table of settings: names, variables, types, ranges, defaults and what acts on them, each stated once.
//!
//! It feeds loading, validation, suggestions, `config list`, the JSON Schema and the reference page.

use super::{ActsOn, Declared, Kind, ProjectFile, Unsupported};

/// The base URL when nothing sets one (decisions P7).
const DEFAULT_BASE_URL: &str = "https://api.honeyhive.ai";

macro_rules! settings {
    ($($id:ident => $declared:expr;)*) => {
        /// Every setting.
        pub static DECLARED: &[Declared] = &[$($declared),*];

        #[expect(clippy::upper_case_acronyms, non_camel_case_types, reason = "the names of the constants below")]
        enum Index { $($id),* }

        /// The names of the declared settings.
        pub mod names {
            use super::Index;
            use crate::declared::SettingName;

            $(
                #[doc = concat!("The setting of [`DECLARED`](crate::DECLARED) named as this, in lower case.")]
                pub const $id: SettingName = SettingName(Index::$id as u8);
            )*
        }
    };
}

settings! {
    // Credentials.
    API_KEY => Declared::new("api_key", Kind::Text, ActsOn::Requests, "API key").variables(&["HH_API_KEY", "HH_PROJECT_API_KEY", "HONEYHIVE_API_KEY"]).secret();
    CREDENTIAL_COMMAND => Declared::new("credential_command", Kind::List, ActsOn::Requests, "program and arguments that print the API key, in place of `api_key`").project_file(ProjectFile::MayNot);
    INGESTION_API_KEY => Declared::new("ingestion_api_key", Kind::Text, ActsOn::Requests, "API key for sessions and events alone").variables(&["HH_INGESTION_API_KEY"]).secret();
    DATA_PLANE_API_KEY => Declared::new("data_plane_api_key", Kind::Text, ActsOn::Nothing, "fine-grained API key of the data plane").variables(&["HH_DATA_PLANE_API_KEY"]).secret();
    CONTROL_PLANE_API_KEY => Declared::new("control_plane_api_key", Kind::Text, ActsOn::Nothing, "fine-grained API key of the control plane").variables(&["HH_CONTROL_PLANE_API_KEY"]).secret();
    CREDENTIAL_STORAGE => Declared::new("credential_storage", Kind::Choice(&["auto", "keyring", "file"]), ActsOn::CommandLine, "where `honeyhive auth login` keeps the API key").variables(&["HH_CREDENTIAL_STORAGE"]).default("auto");
    KEY_MAX_AGE_DAYS => Declared::new("key_max_age_days", Kind::Count(1, 3650), ActsOn::CommandLine, "days after which `honeyhive auth status` warns of an API key's age").variables(&["HH_KEY_MAX_AGE_DAYS"]).default("90");
    PROFILE => Declared::new("profile", Kind::Text, ActsOn::Loading, "profile of the credential store; the current one unless set").variables(&["HH_PROFILE"]).outside_files();

    // Where requests go, and for whom.
    BASE_URL => Declared::new("base_url", Kind::Url, ActsOn::Requests, "base URL of the API").variables(&["HH_BASE_URL", "HH_DATA_PLANE_URL", "HH_API_URL", "HONEYHIVE_SERVER_URL", "HH_SERVER_URL"]).default(DEFAULT_BASE_URL).project_file(ProjectFile::OnlyHosted);
    CONTROL_PLANE_URL => Declared::new("control_plane_url", Kind::Url, ActsOn::Nothing, "base URL of the control plane").variables(&["HH_CONTROL_PLANE_URL", "HH_CP_API_URL"]).default("https://api.cp.us.honeyhive.ai").project_file(ProjectFile::MayNot);
    PROJECT => Declared::new("project", Kind::Project, ActsOn::Requests, "project name").variables(&["HH_PROJECT"]).aliases(&["default_project"]);
    SOURCE => Declared::new("source", Kind::Text, ActsOn::Tracer, "label of the deployment that traces").variables(&["HH_SOURCE"]).default("dev");
    SESSION_NAME => Declared::new("session_name", Kind::Text, ActsOn::Tracer, "name of the session that a tracer starts by itself").variables(&["HH_SESSION_NAME"]);
    SERVICE_NAME => Declared::new("service_name", Kind::Text, ActsOn::Nothing, "name of the service in exported traces").variables(&["HH_SERVICE_NAME", "OTEL_SERVICE_NAME"]);
    SERVICE_VERSION => Declared::new("service_version", Kind::Text, ActsOn::Nothing, "version of the service in exported traces").variables(&["HH_SERVICE_VERSION"]);
    RESOURCE_ATTRIBUTES => Declared::new("resource_attributes", Kind::Text, ActsOn::Nothing, "attributes of the service in exported traces, as NAME=VALUE separated by commas").variables(&["OTEL_RESOURCE_ATTRIBUTES"]);
    ALLOWED_IPS => Declared::new("allowed_ips", Kind::List, ActsOn::Server, "addresses that may use the key; the server enforces such a list, no client can");

    // Which files are read.
    CONFIG_FILE => Declared::new("config_file", Kind::Path, ActsOn::Loading, "configuration file in place of the project file: YAML, JSON or TOML").variables(&["HH_CONFIG_FILE"]).outside_files();
    ENV_FILE => Declared::new("env_file", Kind::Path, ActsOn::Loading, "file of variables; the real environment wins over it").variables(&["HH_ENV_FILE"]).outside_files();
    ENVIRONMENT => Declared::new("environment", Kind::Text, ActsOn::Loading, "environment whose overlay is laid over the project or named file").variables(&["HH_ENVIRONMENT"]).outside_files();

    // Modes, and what is said.
    TEST_MODE => Declared::new("test_mode", Kind::Boolean, ActsOn::Requests, "open no connection at all").variables(&["HH_TEST_MODE"]).default("false");
    STRICT => Declared::new("strict", Kind::Boolean, ActsOn::Requests, "treat warnings about the API key as errors").variables(&["HH_STRICT"]).default("false");
    DEBUG => Declared::new("debug", Kind::Boolean, ActsOn::Requests, "debug lines on stderr; either variable switches it on").variables(&["HH_DEBUG", "HH_DEBUG_MODE"]).default("false");
    VERBOSE => Declared::new("verbose", Kind::Boolean, ActsOn::Requests, "a start-up summary on stderr").variables(&["HH_VERBOSE"]).default("false");
    LOG_LEVEL => Declared::new("log_level", Kind::Choice(&["trace", "debug", "info", "warning", "warn", "error", "critical"]), ActsOn::Requests, "least severe line on stderr; `debug` is as the setting `debug`").variables(&["HH_LOG_LEVEL"]).default("info");
    LOG_FORMAT => Declared::new("log_format", Kind::Text, ActsOn::Nothing, "form of a log line").variables(&["HH_LOG_FORMAT"]);
    LOG_FILE => Declared::new("log_file", Kind::Path, ActsOn::Nothing, "file that log lines go to").variables(&["HH_LOG_FILE"]).project_file(ProjectFile::MayNot);
    STRUCTURED_LOGGING => Declared::new("structured_logging", Kind::Boolean, ActsOn::Nothing, "log lines as JSON").variables(&["HH_STRUCTURED_LOGGING"]).default("false");
    SECURITY_LOG => Declared::new("security_log", Kind::Path, ActsOn::Requests, "file that a record of key use goes to, a line of JSON for each event").variables(&["HH_SECURITY_LOG"]).project_file(ProjectFile::MayNot);
    TELEMETRY => Declared::new("telemetry", Kind::Boolean, ActsOn::Nothing, "add the state of the git repository to a session").variables(&["HONEYHIVE_TELEMETRY", "HH_TELEMETRY"]).default("true");
    OUTPUT_FORMAT => Declared::new("output_format", Kind::Choice(&["table", "json"]), ActsOn::CommandLine, "form of the command line's output").variables(&["HH_OUTPUT_FORMAT"]).default("table");

    // Requests.
    TIMEOUT => Declared::new("timeout", Kind::Seconds(1.0, 300.0), ActsOn::Requests, "seconds that one call may take, retries included").variables(&["HH_TIMEOUT", "HH_API_TIMEOUT"]).default("30");
    EXPORT_TIMEOUT_SECONDS => Declared::new("export_timeout_seconds", Kind::Seconds(1.0, 3600.0), ActsOn::Nothing, "seconds that an export of events may take").variables(&["HH_EXPORT_TIMEOUT_SECONDS"]).default("300");
    MAX_RETRIES => Declared::new("max_retries", Kind::Count(0, 10), ActsOn::Requests, "how often a failed attempt is repeated").variables(&["HH_MAX_RETRIES"]).default("3");
    RETRY_DELAY => Declared::new("retry_delay", Kind::Seconds(0.1, 60.0), ActsOn::Requests, "longest delay before the first repeat, in seconds, which doubles each time; the delay is random below it").variables(&["HH_RETRY_DELAY"]).default("1");
    MAX_CONNECTIONS => Declared::new("max_connections", Kind::Count(1, 1000), ActsOn::Nothing, "connections open at once").variables(&["HH_MAX_CONNECTIONS"]).default("100");
    MAX_KEEPALIVE_CONNECTIONS => Declared::new("max_keepalive_connections", Kind::Count(0, 1000), ActsOn::Nothing, "idle connections that are kept").variables(&["HH_MAX_KEEPALIVE_CONNECTIONS"]).default("10");
    KEEPALIVE_EXPIRY => Declared::new("keepalive_expiry", Kind::Seconds(0.0, 3600.0), ActsOn::Nothing, "seconds after which an idle connection is closed").variables(&["HH_KEEPALIVE_EXPIRY"]).default("30");
    CONNECTION_POOL_SIZE => Declared::new("connection_pool_size", Kind::Count(1, 100), ActsOn::Nothing, "size of the connection pool").variables(&["HH_CONNECTION_POOL_SIZE"]).default("10");
    POOL_TIMEOUT => Declared::new("pool_timeout", Kind::Seconds(0.1, 300.0), ActsOn::Nothing, "seconds to wait for a connection of the pool").variables(&["HH_POOL_TIMEOUT"]).default("10");
    RATE_LIMIT_CALLS => Declared::new("rate_limit_calls", Kind::Count(1, 1_000_000), ActsOn::Requests, "requests that one window allows, repeats included; 100 if only the window is set").variables(&["HH_RATE_LIMIT_CALLS"]);
    RATE_LIMIT_WINDOW => Declared::new("rate_limit_window", Kind::Seconds(0.1, 3600.0), ActsOn::Requests, "seconds of a window of requests; 60 if only the calls are set").variables(&["HH_RATE_LIMIT_WINDOW"]);
    VERIFY_SSL => Declared::new("verify_ssl", Kind::Boolean, ActsOn::Requests, "check certificates; without it whoever sits in between can read the API key").variables(&["HH_VERIFY_SSL"]).default("true").project_file(ProjectFile::OnlyTrue);
    CA_BUNDLE => Declared::new("ca_bundle", Kind::Path, ActsOn::Requests, "PEM file of certificates to trust, in place of those of the system").variables(&["HH_CA_BUNDLE"]).project_file(ProjectFile::MayNot);
    SSL_CERT_PATH => Declared::new("ssl_cert_path", Kind::Path, ActsOn::Requests, "as `ca_bundle`, unless `ssl_key_path` is set").variables(&["HH_SSL_CERT_PATH"]).project_file(ProjectFile::MayNot);
    SSL_KEY_PATH => Declared::new("ssl_key_path", Kind::Path, ActsOn::Nothing, "file of the key of the client certificate").variables(&["HH_SSL_KEY_PATH"]).project_file(ProjectFile::MayNot);
    PROXY_URL => Declared::new("proxy_url", Kind::Proxy, ActsOn::Requests, "proxy of https requests, before `https_proxy`").variables(&["HH_PROXY_URL"]).project_file(ProjectFile::MayNot);
    PROXY_USERNAME => Declared::new("proxy_username", Kind::Text, ActsOn::Requests, "user name at the proxy").variables(&["HH_PROXY_USERNAME"]).project_file(ProjectFile::MayNot);
    PROXY_PASSWORD => Declared::new("proxy_password", Kind::Text, ActsOn::Requests, "password at the proxy").variables(&["HH_PROXY_PASSWORD"]).secret().project_file(ProjectFile::MayNot);
    HTTP_PROXY => Declared::new("http_proxy", Kind::Proxy, ActsOn::Requests, "nothing: plain http goes to this machine only, and no proxy is used for that").variables(&["HH_HTTP_PROXY", "HTTP_PROXY", "http_proxy"]).project_file(ProjectFile::MayNot);
    HTTPS_PROXY => Declared::new("https_proxy", Kind::Proxy, ActsOn::Requests, "proxy of https requests if `proxy_url` is not set").variables(&["HH_HTTPS_PROXY", "HTTPS_PROXY", "https_proxy"]).project_file(ProjectFile::MayNot);
    NO_PROXY => Declared::new("no_proxy", Kind::List, ActsOn::Requests, "hosts that no proxy is used for: names with all below them, addresses, networks, or `*`").variables(&["HH_NO_PROXY", "NO_PROXY", "no_proxy"]).project_file(ProjectFile::MayNot);

    // Tracing.
    BATCH_SIZE => Declared::new("batch_size", Kind::Count(1, 1000), ActsOn::Tracer, "spans in one export").variables(&["HH_BATCH_SIZE"]).default("100");
    FLUSH_INTERVAL => Declared::new("flush_interval", Kind::Seconds(1.0, 300.0), ActsOn::Tracer, "seconds after which waiting spans are exported").variables(&["HH_FLUSH_INTERVAL"]).default("5");
    MAX_QUEUE_SIZE => Declared::new("max_queue_size", Kind::Count(100, 2_000_000), ActsOn::Tracer, "spans that wait for export; the oldest are dropped beyond it").variables(&["HH_MAX_QUEUE_SIZE"]).default("8192");
    MAX_QUEUE_BYTES => Declared::new("max_queue_bytes", Kind::Count(1_048_576, 17_179_869_184), ActsOn::Tracer, "bytes of memory that waiting spans and session changes may use; the oldest spans are dropped beyond it").variables(&["HH_MAX_QUEUE_BYTES"]).default("67108864");
    SPOOL_DIR => Declared::new("spool_dir", Kind::Path, ActsOn::Nothing, "directory that spans are kept in while no server answers").variables(&["HH_SPOOL_DIR"]).project_file(ProjectFile::MayNot);
    DISABLE_BATCH => Declared::new("disable_batch", Kind::Boolean, ActsOn::Nothing, "export each span at its end").variables(&["HH_DISABLE_BATCH"]).default("false");
    DISABLE_TRACING => Declared::new("disable_tracing", Kind::Boolean, ActsOn::Tracer, "record no spans").variables(&["HH_DISABLE_TRACING"]).default("false");
    DISABLE_HTTP_TRACING => Declared::new("disable_http_tracing", Kind::Boolean, ActsOn::Nothing, "record no spans of HTTP calls").variables(&["HH_DISABLE_HTTP_TRACING", "HONEYHIVE_DISABLE_HTTP_TRACING"]).default("true");
    CAPTURE_INPUTS => Declared::new("capture_inputs", Kind::Boolean, ActsOn::Nothing, "record the inputs of functions").variables(&["HH_CAPTURE_INPUTS"]).default("true");
    CAPTURE_OUTPUTS => Declared::new("capture_outputs", Kind::Boolean, ActsOn::Nothing, "record the outputs of functions").variables(&["HH_CAPTURE_OUTPUTS"]).default("true");
    CAPTURE_EXCEPTIONS => Declared::new("capture_exceptions", Kind::Boolean, ActsOn::Nothing, "record the errors of functions").variables(&["HH_CAPTURE_EXCEPTIONS"]).default("true");
    SAMPLING_RATE => Declared::new("sampling_rate", Kind::Number(0.0, 1.0), ActsOn::Nothing, "share of traces that are recorded").variables(&["HH_SAMPLING_RATE"]).default("1");
    ERROR_SAMPLING_RATE => Declared::new("error_sampling_rate", Kind::Number(0.0, 1.0), ActsOn::Nothing, "share of failed traces that are recorded").variables(&["HH_ERROR_SAMPLING_RATE"]).default("1");
    SLOW_THRESHOLD => Declared::new("slow_threshold", Kind::Number(0.0, 3_600_000.0), ActsOn::Nothing, "milliseconds above which a trace is slow").variables(&["HH_SLOW_THRESHOLD"]).default("1000");
    OTLP_ENABLED => Declared::new("otlp_enabled", Kind::Boolean, ActsOn::Nothing, "export traces").variables(&["HH_OTLP_ENABLED"]).default("true");
    OTLP_ENDPOINT => Declared::new("otlp_endpoint", Kind::Url, ActsOn::Nothing, "address that traces are exported to, in place of one below the base URL").variables(&["HH_OTLP_ENDPOINT"]).project_file(ProjectFile::MayNot);
    OTLP_PROTOCOL => Declared::new("otlp_protocol", Kind::Choice(&["http/json", "http/protobuf"]), ActsOn::Nothing, "encoding of exported traces").variables(&["HH_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]).default("http/protobuf");
    OTLP_HEADERS => Declared::new("otlp_headers", Kind::Map, ActsOn::Nothing, "further headers of exports").variables(&["HH_OTLP_HEADERS"]).secret().project_file(ProjectFile::MayNot);
    MAX_ATTRIBUTES => Declared::new("max_attributes", Kind::Count(128, 10_000), ActsOn::Nothing, "attributes of a span").variables(&["HH_MAX_ATTRIBUTES"]).default("1024");
    MAX_EVENTS => Declared::new("max_events", Kind::Count(128, 10_000), ActsOn::Nothing, "events of a span").variables(&["HH_MAX_EVENTS"]).default("1024");
    MAX_LINKS => Declared::new("max_links", Kind::Count(1, 10_000), ActsOn::Nothing, "links of a span").variables(&["HH_MAX_LINKS"]).default("128");
    MAX_SPAN_SIZE => Declared::new("max_span_size", Kind::Count(1_048_576, 104_857_600), ActsOn::Nothing, "bytes of a span").variables(&["HH_MAX_SPAN_SIZE"]).default("10485760");
    PRESERVE_CORE_ATTRIBUTES => Declared::new("preserve_core_attributes", Kind::Boolean, ActsOn::Nothing, "keep the attributes that make an event when a span has too many").variables(&["HH_PRESERVE_CORE_ATTRIBUTES"]).default("true");

    // Privacy.
    MASK_INPUTS => Declared::new("mask_inputs", Kind::Boolean, ActsOn::Nothing, "replace sensitive values in inputs").variables(&["HH_MASK_INPUTS", "HH_SANITIZE_INPUTS"]).aliases(&["sanitize_inputs"]).default("false");
    MASK_OUTPUTS => Declared::new("mask_outputs", Kind::Boolean, ActsOn::Nothing, "replace sensitive values in outputs").variables(&["HH_MASK_OUTPUTS", "HH_SANITIZE_OUTPUTS"]).aliases(&["sanitize_outputs"]).default("false");
    SENSITIVE_KEYS => Declared::new("sensitive_keys", Kind::List, ActsOn::Nothing, "names whose values are replaced").variables(&["HH_SENSITIVE_KEYS"]).default("password,token,key,secret");
    PII_PATTERNS => Declared::new("pii_patterns", Kind::List, ActsOn::Nothing, "kinds of personal data, or patterns, that are replaced").variables(&["HH_PII_PATTERNS"]);

    // Evaluation.
    EVALUATION_ENABLED => Declared::new("evaluation_enabled", Kind::Boolean, ActsOn::Nothing, "evaluate by itself").variables(&["HH_EVALUATION_ENABLED", "HH_ENABLE_EVALUATION"]).aliases(&["enable_evaluation"]).default("true");
    EVALUATION_TIMEOUT => Declared::new("evaluation_timeout", Kind::Seconds(5.0, 300.0), ActsOn::Nothing, "seconds that one evaluation may take").variables(&["HH_EVALUATION_TIMEOUT"]).default("30");
    EVALUATION_RETRIES => Declared::new("evaluation_retries", Kind::Count(0, 10), ActsOn::Nothing, "how often a failed evaluation is repeated").variables(&["HH_EVALUATION_RETRIES"]).default("2");
    EVALUATION_PARALLEL => Declared::new("evaluation_parallel", Kind::Boolean, ActsOn::Nothing, "evaluate several at once").variables(&["HH_EVALUATION_PARALLEL"]).default("true");
    EVALUATION_MAX_WORKERS => Declared::new("evaluation_max_workers", Kind::Count(1, 20), ActsOn::Nothing, "evaluations at once").variables(&["HH_EVALUATION_MAX_WORKERS", "HH_MAX_WORKERS"]).default("4");
    DEFAULT_EVALUATORS => Declared::new("default_evaluators", Kind::List, ActsOn::Nothing, "evaluators that run by themselves").variables(&["HH_DEFAULT_EVALUATORS"]);
}

/// What documents name and nothing here acts on.
pub static UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        variable: "HH_API_SECRET",
        reason: "no document says how a server would receive it",
    },
    Unsupported {
        variable: "HH_FOLLOW_REDIRECTS",
        reason: "no redirect is followed: it could carry the API key elsewhere",
    },
    Unsupported {
        variable: "HH_MAX_EXPORT_BATCH_SIZE",
        reason: "`batch_size` is the size of an export",
    },
    Unsupported {
        variable: "HH_EXPORT_TIMEOUT",
        reason: "`timeout` bounds an export too",
    },
    Unsupported {
        variable: "HH_CACHE_ENABLED",
        reason: "there is no such cache to tune",
    },
    Unsupported {
        variable: "HH_CACHE_MAX_SIZE",
        reason: "there is no such cache to tune",
    },
    Unsupported {
        variable: "HH_CACHE_TTL",
        reason: "there is no such cache to tune",
    },
    Unsupported {
        variable: "HH_CACHE_CLEANUP_INTERVAL",
        reason: "there is no such cache to tune",
    },
    Unsupported {
        variable: "HH_HIGH_CONCURRENCY",
        reason: "there is nothing to tune for it",
    },
    Unsupported {
        variable: "HH_EXPERIMENT_ID",
        reason: "an experiment is named in code",
    },
    Unsupported {
        variable: "HH_EXPERIMENT_NAME",
        reason: "an experiment is named in code",
    },
    Unsupported {
        variable: "HH_EXPERIMENT_VARIANT",
        reason: "an experiment is named in code",
    },
    Unsupported {
        variable: "HH_EXPERIMENT_GROUP",
        reason: "an experiment is named in code",
    },
    Unsupported {
        variable: "HH_EXPERIMENT_METADATA",
        reason: "an experiment is named in code",
    },
    Unsupported {
        variable: "HH_TEST_API_KEY",
        reason: "it is the name of a secret in CI recipes, to be passed on as HH_API_KEY",
    },
];
