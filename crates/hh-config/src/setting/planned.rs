//! Lists the documented settings that are not implemented yet.

/// Calls the macro of the table with its settings, followed by the planned settings.
macro_rules! with_planned {
    ($settings:ident; $($used:tt)*) => {
        $settings! {
            $($used)*

            // Credentials.
            DATA_PLANE_API_KEY => SettingSpec::planned("data_plane_api_key", Kind::Text, "fine-grained API key of the data plane").variables(&["HH_DATA_PLANE_API_KEY"]).secret();
            CONTROL_PLANE_API_KEY => SettingSpec::planned("control_plane_api_key", Kind::Text, "fine-grained API key of the control plane").variables(&["HH_CONTROL_PLANE_API_KEY"]).secret();

            // Server and labels.
            CONTROL_PLANE_URL => SettingSpec::planned("control_plane_url", Kind::Url, "base URL of the control plane").variables(&["HH_CONTROL_PLANE_URL", "HH_CP_API_URL"]).default("https://api.cp.us.honeyhive.ai").project_file(ProjectFilePolicy::Denied);
            SERVICE_NAME => SettingSpec::planned("service_name", Kind::Name, "name of the service in exported traces").variables(&["HH_SERVICE_NAME", "OTEL_SERVICE_NAME"]);
            SERVICE_VERSION => SettingSpec::planned("service_version", Kind::Text, "version of the service in exported traces").variables(&["HH_SERVICE_VERSION"]);
            RESOURCE_ATTRIBUTES => SettingSpec::planned("resource_attributes", Kind::Text, "resource attributes of exported traces, as NAME=VALUE pairs separated by commas").variables(&["OTEL_RESOURCE_ATTRIBUTES"]);

            // Logs.
            LOG_FORMAT => SettingSpec::planned("log_format", Kind::Text, "format of log lines").variables(&["HH_LOG_FORMAT"]);
            LOG_FILE => SettingSpec::planned("log_file", Kind::Path, "file to write log lines to").variables(&["HH_LOG_FILE"]).project_file(ProjectFilePolicy::Denied);
            STRUCTURED_LOGGING => SettingSpec::planned("structured_logging", Kind::Boolean, "write log lines as JSON").variables(&["HH_STRUCTURED_LOGGING"]).default("false");
            TELEMETRY => SettingSpec::planned("telemetry", Kind::Boolean, "add the state of the git repository to sessions").variables(&["HONEYHIVE_TELEMETRY", "HH_TELEMETRY"]).default("true");

            // Requests.
            EXPORT_TIMEOUT_SECONDS => SettingSpec::planned("export_timeout_seconds", Kind::Seconds(1.0, 3600.0), "time limit of one export of events in seconds").variables(&["HH_EXPORT_TIMEOUT_SECONDS"]).default("300");
            MAX_CONNECTIONS => SettingSpec::planned("max_connections", Kind::Count(1, 1000), "maximum number of open connections").variables(&["HH_MAX_CONNECTIONS"]).default("100");
            MAX_KEEPALIVE_CONNECTIONS => SettingSpec::planned("max_keepalive_connections", Kind::Count(0, 1000), "maximum number of idle connections").variables(&["HH_MAX_KEEPALIVE_CONNECTIONS"]).default("10");
            KEEPALIVE_EXPIRY => SettingSpec::planned("keepalive_expiry", Kind::Seconds(0.0, 3600.0), "time in seconds after which an idle connection is closed").variables(&["HH_KEEPALIVE_EXPIRY"]).default("30");
            CONNECTION_POOL_SIZE => SettingSpec::planned("connection_pool_size", Kind::Count(1, 100), "size of the connection pool").variables(&["HH_CONNECTION_POOL_SIZE"]).default("10");
            POOL_TIMEOUT => SettingSpec::planned("pool_timeout", Kind::Seconds(0.1, 300.0), "maximum wait for a connection of the pool in seconds").variables(&["HH_POOL_TIMEOUT"]).default("10");
            SSL_KEY_PATH => SettingSpec::planned("ssl_key_path", Kind::Path, "file of the private key of the client certificate").variables(&["HH_SSL_KEY_PATH"]).project_file(ProjectFilePolicy::Denied);

            // Tracing.
            SPOOL_DIR => SettingSpec::planned("spool_dir", Kind::Path, "directory to store spans in while the server is unreachable").variables(&["HH_SPOOL_DIR"]).project_file(ProjectFilePolicy::Denied);
            DISABLE_BATCH => SettingSpec::planned("disable_batch", Kind::Boolean, "export each span when it ends").variables(&["HH_DISABLE_BATCH"]).default("false");
            DISABLE_HTTP_TRACING => SettingSpec::planned("disable_http_tracing", Kind::Boolean, "disable the recording of HTTP calls").variables(&["HH_DISABLE_HTTP_TRACING", "HONEYHIVE_DISABLE_HTTP_TRACING"]).default("true");
            CAPTURE_INPUTS => SettingSpec::planned("capture_inputs", Kind::Boolean, "record the inputs of functions").variables(&["HH_CAPTURE_INPUTS"]).default("true").protection(Protection::Off);
            CAPTURE_OUTPUTS => SettingSpec::planned("capture_outputs", Kind::Boolean, "record the outputs of functions").variables(&["HH_CAPTURE_OUTPUTS"]).default("true").protection(Protection::Off);
            CAPTURE_EXCEPTIONS => SettingSpec::planned("capture_exceptions", Kind::Boolean, "record the errors of functions").variables(&["HH_CAPTURE_EXCEPTIONS"]).default("true").protection(Protection::Off);
            SAMPLING_RATE => SettingSpec::planned("sampling_rate", Kind::Number(0.0, 1.0), "fraction of traces to record").variables(&["HH_SAMPLING_RATE"]).default("1");
            ERROR_SAMPLING_RATE => SettingSpec::planned("error_sampling_rate", Kind::Number(0.0, 1.0), "fraction of failed traces to record").variables(&["HH_ERROR_SAMPLING_RATE"]).default("1");
            SLOW_THRESHOLD => SettingSpec::planned("slow_threshold", Kind::Number(0.0, 3_600_000.0), "duration in milliseconds above which a trace is slow").variables(&["HH_SLOW_THRESHOLD"]).default("1000");
            OTLP_ENABLED => SettingSpec::planned("otlp_enabled", Kind::Boolean, "export traces").variables(&["HH_OTLP_ENABLED"]).default("true").protection(Protection::Off);
            OTLP_ENDPOINT => SettingSpec::planned("otlp_endpoint", Kind::Url, "URL to export traces to, instead of a path below the base URL").variables(&["HH_OTLP_ENDPOINT"]).project_file(ProjectFilePolicy::Denied);
            OTLP_PROTOCOL => SettingSpec::planned("otlp_protocol", Kind::Choice(&["http/json", "http/protobuf"]), "encoding of exported traces").variables(&["HH_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]).default("http/protobuf");
            OTLP_HEADERS => SettingSpec::planned("otlp_headers", Kind::Map, "additional headers of exports").variables(&["HH_OTLP_HEADERS"]).secret().project_file(ProjectFilePolicy::Denied);
            MAX_ATTRIBUTES => SettingSpec::planned("max_attributes", Kind::Count(128, 10_000), "maximum number of attributes of a span").variables(&["HH_MAX_ATTRIBUTES"]).default("1024");
            MAX_EVENTS => SettingSpec::planned("max_events", Kind::Count(128, 10_000), "maximum number of events of a span").variables(&["HH_MAX_EVENTS"]).default("1024");
            MAX_LINKS => SettingSpec::planned("max_links", Kind::Count(1, 10_000), "maximum number of links of a span").variables(&["HH_MAX_LINKS"]).default("128");
            MAX_SPAN_SIZE => SettingSpec::planned("max_span_size", Kind::Count(1_048_576, 104_857_600), "maximum size of a span in bytes").variables(&["HH_MAX_SPAN_SIZE"]).default("10485760");
            PRESERVE_CORE_ATTRIBUTES => SettingSpec::planned("preserve_core_attributes", Kind::Boolean, "preserve the attributes that define an event when a span has too many attributes").variables(&["HH_PRESERVE_CORE_ATTRIBUTES"]).default("true");

            // Privacy.
            MASK_INPUTS => SettingSpec::planned("mask_inputs", Kind::Boolean, "replace sensitive values in inputs").variables(&["HH_MASK_INPUTS", "HH_SANITIZE_INPUTS"]).aliases(&["sanitize_inputs"]).default("false").protection(Protection::On);
            MASK_OUTPUTS => SettingSpec::planned("mask_outputs", Kind::Boolean, "replace sensitive values in outputs").variables(&["HH_MASK_OUTPUTS", "HH_SANITIZE_OUTPUTS"]).aliases(&["sanitize_outputs"]).default("false").protection(Protection::On);
            SENSITIVE_KEYS => SettingSpec::planned("sensitive_keys", Kind::List, "names of fields whose values are replaced").variables(&["HH_SENSITIVE_KEYS"]).default("password,token,key,secret").protection(Protection::NotEmpty);
            PII_PATTERNS => SettingSpec::planned("pii_patterns", Kind::List, "kinds of personal data, or patterns, to replace").variables(&["HH_PII_PATTERNS"]).protection(Protection::NotEmpty);

            // Evaluation.
            EVALUATION_ENABLED => SettingSpec::planned("evaluation_enabled", Kind::Boolean, "run evaluations automatically").variables(&["HH_EVALUATION_ENABLED", "HH_ENABLE_EVALUATION"]).aliases(&["enable_evaluation"]).default("true");
            EVALUATION_TIMEOUT => SettingSpec::planned("evaluation_timeout", Kind::Seconds(5.0, 300.0), "time limit of one evaluation in seconds").variables(&["HH_EVALUATION_TIMEOUT"]).default("30");
            EVALUATION_RETRIES => SettingSpec::planned("evaluation_retries", Kind::Count(0, 10), "maximum number of retries of a failed evaluation").variables(&["HH_EVALUATION_RETRIES"]).default("2");
            EVALUATION_PARALLEL => SettingSpec::planned("evaluation_parallel", Kind::Boolean, "run evaluations in parallel").variables(&["HH_EVALUATION_PARALLEL"]).default("true");
            EVALUATION_MAX_WORKERS => SettingSpec::planned("evaluation_max_workers", Kind::Count(1, 20), "maximum number of parallel evaluations").variables(&["HH_EVALUATION_MAX_WORKERS", "HH_MAX_WORKERS"]).default("4");
            DEFAULT_EVALUATORS => SettingSpec::planned("default_evaluators", Kind::List, "evaluators to run automatically").variables(&["HH_DEFAULT_EVALUATORS"]);
        }
    };
}
pub(super) use with_planned;
