//! The macros that define the table of operations.

/// Defines the operations of one resource; see `operations/keys.rs` for an example.
///
/// `($)` passes a dollar sign, which the generated macro needs and a macro cannot write in another way.
macro_rules! operations {
    (($d:tt) $resource:ident $(
        $(#[doc = $doc:literal])+
        $name:ident {
            need: $($need:ident)+, retry: $retry:ident, keys: [$($key:ident),*],
            routes: [$($dialect:ident $method:ident $path:literal $(in $wrapper:literal)?),+ $(,)?],
            input: $input:ty, output: $output:ty,
            $(body: $body:ident,)?
            $(test: $test:expr,)?
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            #[non_exhaustive]
            pub struct $name;

            impl $crate::Endpoint for $name {
                const OP: $crate::OpId = $crate::OpId::$name;
                const OPERATION: $crate::Operation = $crate::Operation {
                    resource: stringify!($resource),
                    description: concat!($($doc, "\n"),+),
                    need: need!($($need)+),
                    retry: retry!($retry),
                    keys: &[$(key_use!($key)),*],
                    routes: {
                        const BODY: $crate::BodyKind = body!($($body)?);
                        &[$($crate::Route::new(
                            dialect!($dialect),
                            method!($method),
                            $path,
                            BODY,
                            wrapper!($($wrapper)?),
                        )),+]
                    },
                };
                type Input = $input;
                type Output = $output;

                $(fn test_response(
                    input: &Self::Input,
                    values: &$crate::TestValues,
                ) -> Result<Self::Output, $crate::TestModeError> {
                    $test(input, values)
                })?
            }
        )+

        macro_rules! $resource {
            ($d make:ident [$d($d done:tt)*] $d($d rest:ident)*) => {
                join_operations! {
                    $d make [$d($d done)* $($(#[doc = $doc])+ $name)+] $d($d rest)*
                }
            };
        }
    };
}

/// Collects the names of the operations of all resources and invokes a macro with them.
macro_rules! join_operations {
    ($make:ident [$($done:tt)*]) => {
        $make! { $($done)* }
    };
    ($make:ident [$($done:tt)*] $next:ident $($rest:ident)*) => {
        $next! { $make [$($done)*] $($rest)* }
    };
}

/// Defines [`OpId`](crate::OpId) with one variant for each operation.
macro_rules! operation_ids {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {
        /// The name of an operation. The enum is exhaustive so that a missing handler does not compile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "a missing match arm must not compile")]
        pub enum OpId {
            $($(#[doc = $doc])+ $name),+
        }

        impl OpId {
            /// All operations, in the order of the table.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];
        }
    };
}

/// Implements the lookup from an [`OpId`](crate::OpId) to the [`Endpoint`](crate::Endpoint) of the operation.
macro_rules! operation_entries {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {
        impl OpId {
            /// Returns the entry of the table.
            #[must_use]
            pub const fn operation(self) -> &'static Operation {
                match self {
                    $(Self::$name => &<$name as Endpoint>::OPERATION),+
                }
            }

            /// Returns the JSON schema of the input.
            #[cfg(feature = "schema")]
            pub fn input_schema(self, inputs: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self {
                    $(Self::$name => inputs.subschema_for::<<$name as Endpoint>::Input>()),+
                }
            }

            /// Returns the JSON schema of the output.
            #[cfg(feature = "schema")]
            pub fn output_schema(
                self,
                outputs: &mut schemars::SchemaGenerator,
            ) -> schemars::Schema {
                match self {
                    $(Self::$name => outputs.subschema_for::<<$name as Endpoint>::Output>()),+
                }
            }
        }
    };
}

/// Returns a [`Requirement`](crate::Requirement) from its name in the table.
macro_rules! need {
    (open) => {
        $crate::Requirement::Open
    };
    (any_key) => {
        $crate::Requirement::AnyKey
    };
    (own $need:ident) => {
        $crate::Requirement::Own(need!(@ $need))
    };
    (@ ingest) => {
        hh_auth::Need::Ingest
    };
    (@ read) => {
        hh_auth::Need::Read
    };
    (@ write) => {
        hh_auth::Need::Write
    };
    (@ admin) => {
        hh_auth::Need::Admin
    };
    ($need:ident) => {
        $crate::Requirement::Need(need!(@ $need))
    };
}

/// Returns a [`Retry`](crate::Retry) from its name in the table.
macro_rules! retry {
    (never) => {
        $crate::Retry::Never
    };
    (safe) => {
        $crate::Retry::Safe
    };
    (keyed) => {
        $crate::Retry::Keyed
    };
    (otlp) => {
        $crate::Retry::Otlp
    };
}

/// Returns a [`KeyUse`](crate::KeyUse) from its name in the table.
macro_rules! key_use {
    (ingestion) => {
        $crate::KeyUse::Ingestion
    };
    (project) => {
        $crate::KeyUse::Project
    };
    (data_plane) => {
        $crate::KeyUse::DataPlane
    };
}

/// Returns a [`Dialect`](crate::Dialect) from its name in the table.
macro_rules! dialect {
    (legacy) => {
        $crate::Dialect::Legacy
    };
    (v1) => {
        $crate::Dialect::V1
    };
    (scoped) => {
        $crate::Dialect::Scoped
    };
}

/// Returns a [`Method`](crate::Method) from its name in the table.
macro_rules! method {
    (GET) => {
        $crate::Method::Get
    };
    (POST) => {
        $crate::Method::Post
    };
    (PUT) => {
        $crate::Method::Put
    };
    (PATCH) => {
        $crate::Method::Patch
    };
    (DELETE) => {
        $crate::Method::Delete
    };
}

/// Returns a [`BodyKind`](crate::BodyKind) from its name in the table.
macro_rules! body {
    () => {
        $crate::BodyKind::Json
    };
    (none) => {
        $crate::BodyKind::None
    };
    (optional) => {
        $crate::BodyKind::Optional
    };
    (otlp) => {
        $crate::BodyKind::Otlp
    };
}

/// Returns the wrapper of a route from its name in the table.
macro_rules! wrapper {
    () => {
        None
    };
    ($name:literal) => {
        Some($name)
    };
}
