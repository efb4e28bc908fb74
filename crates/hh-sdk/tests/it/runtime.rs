//! Calls outside of a Tokio runtime, and in runtimes without timers or an I/O driver.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use hh_sdk::api::types::{
    CreateEvent, CreateKey, CreateOwner, CreateProject, CreateSession, DeleteProject,
    DeleteUserData, EventPatch, ExportEvents, ProjectNames, StartSession, UpdateKey,
};
use hh_sdk::auth::Level;
use hh_sdk::config::names;
use hh_sdk::tooling::{TransportErrorKind, probe, resolve};
use hh_sdk::{Error, ErrorKind, EventQuery, HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::{HttpServer, IdleListener};
use tokio::runtime::{Builder, Handle, Runtime};
use uuid::Uuid;

use crate::network::{KEY, LONG, accepted};
use crate::support::{TestServer, empty_env};

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread, like the executors of other libraries.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// Returns the name of a method, and its call without the result.
macro_rules! call {
    ($client:ident.$method:ident($($input:expr),*)) => {{
        let call: Call<'_> = Box::pin(async move { $client.$method($($input),*).await.map(drop) });
        (stringify!($method), call)
    }};
    ($client:ident.$resource:ident().$method:ident($($input:expr),*)) => {{
        let call: Call<'_> =
            Box::pin(async move { $client.$resource().$method($($input),*).await.map(drop) });
        (stringify!($method), call)
    }};
}

/// Returns every call of a client.
fn calls(client: &HoneyHive) -> Vec<(&'static str, Call<'_>)> {
    let key = || CreateKey {
        name: "build".to_owned(),
        level: Level::ReadWrite,
        projects: ProjectNames::All,
        expires_at: None,
        owner: None,
        note: None,
    };
    let project = || CreateProject {
        name: "docs".to_owned(),
        description: None,
    };
    let update = || UpdateKey {
        id: "ID".to_owned(),
        ..UpdateKey::default()
    };
    let owner = || CreateOwner {
        name: "ci".to_owned(),
    };
    let user_data = || DeleteUserData {
        project_id: "ID".to_owned(),
        ..DeleteUserData::default()
    };
    let deleted_project = || DeleteProject {
        project_id: "ID".to_owned(),
        ..DeleteProject::default()
    };
    vec![
        call!(client.whoami()),
        call!(client.key_info()),
        call!(client.list_projects()),
        call!(client.create_project(&project())),
        call!(client.create_key(&key())),
        call!(client.rotate_key("ID", None)),
        call!(client.list_keys()),
        call!(client.list_all_keys()),
        call!(client.get_key("ID")),
        call!(client.update_key(&update())),
        call!(client.revoke_key("ID")),
        call!(client.list_owners()),
        call!(client.create_owner(&owner())),
        call!(client.disable_owner("ID")),
        call!(client.enable_owner("ID")),
        call!(client.find_sessions("00000000")),
        call!(client.start_session(StartSession::default())),
        call!(client.export_events(ExportEvents::default())),
        call!(client.update_event(EventPatch::default())),
        call!(client.delete_user_data(&user_data())),
        call!(client.delete_project(&deleted_project())),
        call!(client.sessions().start(StartSession::default())),
        call!(client.sessions().create(CreateSession::default())),
        call!(client.sessions().get("ID")),
        call!(client.sessions().find("00000000")),
        call!(client.sessions().add_events("ID", Vec::new())),
        call!(client.sessions().delete("ID")),
        call!(client.sessions().preview_delete("ID")),
        call!(client.events().create(CreateEvent::default())),
        call!(client.events().create_batch(Vec::new())),
        call!(client.events().get(Uuid::nil())),
        call!(client.events().update(EventPatch::default())),
        call!(client.events().export(ExportEvents::default())),
        call!(client.events().delete(Uuid::nil())),
        call!(client.events().preview_delete(Uuid::nil())),
        (
            "next",
            Box::pin(async move {
                let mut pages = client.events().search(EventQuery::new());
                pages.next().await.map(drop)
            }),
        ),
        (
            "next_page",
            Box::pin(async move {
                let mut pages = client.events().search(EventQuery::new());
                pages.next_page().await.map(drop)
            }),
        ),
    ]
}

fn client(url: &str) -> HoneyHive {
    HoneyHive::builder()
        .with_env(empty_env())
        .with_base_url(url)
        .with_api_key(KEY)
        .build()
        .unwrap()
}

/// Calls every method, and checks that each fails with the same message and hint.
fn assert_all_fail(client: &HoneyHive, message: &str, hint: &str) {
    for (name, call) in calls(client) {
        let error = block_on(call).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other, "{name}: {error}");
        assert!(error.message().contains(message), "{name}: {error}");
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint), "{name}: {found}");
    }
}

#[test]
fn every_call_is_covered() {
    let sources = [
        include_str!("../../src/client.rs"),
        include_str!("../../src/client/key_info.rs"),
        include_str!("../../src/resources/deletion.rs"),
        include_str!("../../src/resources/event_pages.rs"),
        include_str!("../../src/resources/events.rs"),
        include_str!("../../src/resources/keys.rs"),
        include_str!("../../src/resources/owners.rs"),
        include_str!("../../src/resources/sessions.rs"),
    ];
    let source = sources.concat();
    let defined = source.split("pub async fn ").skip(1);
    let mut defined: Vec<_> = defined.filter_map(|rest| rest.split('(').next()).collect();
    let client = client("http://127.0.0.1:9");
    let mut covered: Vec<_> = calls(&client).into_iter().map(|(name, _)| name).collect();
    defined.sort_unstable();
    covered.sort_unstable();
    assert_eq!(covered, defined);
}

#[test]
fn a_call_without_a_tokio_runtime_is_an_error_with_a_hint() {
    let listener = IdleListener::new();
    let client = client(&listener.url());
    assert_all_fail(&client, "no Tokio runtime is running", "#[tokio::main]");
    assert!(listener.is_untouched());
}

#[test]
fn a_call_in_a_runtime_without_timers_or_io_is_an_error_with_a_hint() {
    let listener = IdleListener::new();
    let client = client(&listener.url());
    for (builder, missing) in [
        (&mut Builder::new_current_thread(), "no timer"),
        (Builder::new_current_thread().enable_io(), "no timer"),
        (Builder::new_current_thread().enable_time(), "no I/O driver"),
        (
            Builder::new_multi_thread().worker_threads(1).enable_time(),
            "no I/O driver",
        ),
    ] {
        let runtime = builder.build().unwrap();
        for (name, call) in calls(&client) {
            let error = runtime.block_on(call).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other, "{name}: {error}");
            assert!(error.message().contains(missing), "{name}: {error}");
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains("enable_all"), "{name}: {hint}");
        }
    }
    assert!(listener.is_untouched());
}

/// The check of a thread is stored for one runtime and does not apply to the next one.
#[test]
fn each_runtime_of_a_thread_is_checked() {
    let server = HttpServer::with(|_| ("200 OK", br#"{"projects": []}"#.to_vec()));
    let client = client(server.url());
    let complete = || Runtime::new().unwrap();
    let without_io = || Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..2 {
        complete().block_on(client.list_projects()).unwrap();
        let error = without_io().block_on(client.list_projects()).unwrap_err();
        assert!(error.message().contains("no I/O driver"), "{error}");
        assert!(block_on(client.list_projects()).is_err());
    }
}

#[test]
fn a_call_in_a_runtime_that_was_shut_down_is_an_error() {
    let runtime = Runtime::new().unwrap();
    let handle: Handle = runtime.handle().clone();
    drop(runtime);
    let _guard = handle.enter();
    let client = client("http://127.0.0.1:9");
    assert_all_fail(
        &client,
        "the Tokio runtime has no timer",
        "keep the runtime",
    );
}

#[test]
fn another_executor_can_poll_a_call_inside_a_tokio_runtime() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let client = server.client(&server.admin_key);
    let _guard = runtime.enter();
    let projects = block_on(client.list_projects()).unwrap();
    assert_eq!(projects.len(), 1);
}

#[test]
fn test_mode_needs_no_runtime() {
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_test_mode(true)
        .build()
        .unwrap();
    assert!(block_on(client.list_projects()).unwrap().is_empty());
    let error = block_on(client.key_info()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TestMode);
}

#[test]
fn a_tracer_flushes_and_shuts_down_on_any_executor() {
    let server = HttpServer::with(accepted);
    let without_drivers = Builder::new_current_thread().build().unwrap();
    let run = |is_tokio: bool| {
        let tracer = HoneyHiveTracer::builder()
            .with_env(empty_env())
            .with_base_url(server.url())
            .with_api_key(KEY)
            .build()
            .unwrap();
        let work = async {
            tracer.span("span", SpanKind::Tool).start().end();
            tracer.flush(LONG).await.unwrap();
            tracer.shutdown(LONG).await.unwrap();
        };
        if is_tokio {
            without_drivers.block_on(work);
        } else {
            block_on(work);
        }
        assert_eq!(tracer.dropped(), 0);
    };
    run(true);
    run(false);
}

#[test]
fn a_probe_without_a_runtime_fails_with_a_hint() {
    let options = Options::new()
        .with_env(empty_env())
        .with(names::BASE_URL, "https://honeyhive.invalid");
    let resolved = resolve(&options).unwrap();
    let probe = probe(&options, &resolved, Duration::from_secs(5)).unwrap();
    let without_drivers = Builder::new_current_thread().build().unwrap();
    let results = || async {
        let address = ([127, 0, 0, 1], 9).into();
        let mut connected = probe.connect(&[address]).await;
        let connected = connected.remove(0).1.map(drop);
        [
            probe.resolve().await.map(drop),
            connected,
            probe.get("/").await.map(drop),
        ]
    };
    for (results, hint) in [
        (block_on(results()), "#[tokio::main]"),
        (without_drivers.block_on(results()), "enable_all"),
    ] {
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Other, "{error}");
            let found = error.hint().unwrap_or_default();
            assert!(found.contains(hint), "{found}");
        }
    }
}
