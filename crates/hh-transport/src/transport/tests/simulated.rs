//! Calls in simulated time, which advances to the next timer only when all tasks wait. Tests therefore take no real
//! time and check events to the millisecond.

mod edges;
mod guarantees;
mod limits;
mod order;
mod outages;
mod retry_after;
mod waits;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);

/// The time of day at the start of every test: 2027-01-15, 08:00:00.
const MORNING: Duration = Duration::from_hours(500_000);

thread_local! {
    // One runtime for all calls of a thread, because building a runtime takes longer than a call.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
}

/// Runs a future whose waits take no real time.
fn simulate<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A clock with the time of the runtime, a wall clock that may be wrong, and deterministic randomness.
#[derive(Debug)]
struct SimulatedClock {
    start: Instant,
    time_of_day: SystemTime,
    chance: Chance,
}

#[derive(Debug)]
enum Chance {
    Seeded(Random),
    /// Always the same number. The largest number makes every delay as long as possible.
    Always(u64),
}

impl Clock for SimulatedClock {
    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn time_of_day(&self) -> SystemTime {
        self.time_of_day + self.start.elapsed()
    }

    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(delay))
    }

    fn random(&self) -> u64 {
        match &self.chance {
            Chance::Seeded(random) => random.next(),
            Chance::Always(number) => *number,
        }
    }
}

/// The generator `SplitMix64`.
#[derive(Debug)]
struct Random(AtomicU64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        let length = u64::try_from(all.len()).unwrap();
        all[usize::try_from(self.below(length)).unwrap()]
    }
}

/// The behavior of the server for one request.
#[derive(Clone, Debug)]
struct ServerTurn {
    end: End,
    headers: Vec<(&'static str, HeaderValue)>,
    takes: Duration,
}

impl ServerTurn {
    fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).unwrap();
        self.headers.push((name, value));
        self
    }

    fn taking(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    fn result(&self) -> Result<Response, TransportError> {
        let mut response = self.end.result()?;
        for (name, value) in &self.headers {
            response.headers_mut().append(*name, value.clone());
        }
        Ok(response)
    }
}

impl From<End> for ServerTurn {
    fn from(end: End) -> Self {
        Self {
            end,
            headers: Vec::new(),
            takes: Duration::ZERO,
        }
    }
}

/// Returns a response that requires a wait.
fn busy(status: u16, retry_after: &str) -> ServerTurn {
    ServerTurn::from(End::Status(status)).with_header("retry-after", retry_after)
}

/// A service that follows a script, then always does the same, and records the requests with their times.
#[derive(Clone, Debug)]
struct Server(Arc<Mutex<ServerState>>);

#[derive(Debug)]
struct ServerState {
    turns: VecDeque<ServerTurn>,
    otherwise: End,
    sent: Vec<SentRequest>,
}

/// A request that was sent.
#[derive(Clone, Debug)]
struct SentRequest {
    at: Instant,
    request: Request,
    turn: ServerTurn,
    /// Whether the transport waited for the result.
    is_over: bool,
}

impl HttpService for Server {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut state = self.0.lock().unwrap();
        let otherwise = state.otherwise;
        let turn = state.turns.pop_front();
        let turn = turn.unwrap_or_else(|| otherwise.into());
        let number = state.sent.len();
        state.sent.push(SentRequest {
            at: Instant::now(),
            request,
            turn: turn.clone(),
            is_over: false,
        });
        Box::pin(async move {
            if !turn.takes.is_zero() {
                tokio::time::sleep(turn.takes).await;
            }
            self.0.lock().unwrap().sent[number].is_over = true;
            turn.result()
        })
    }
}

/// A server, a clock, and the events of an observer.
struct World {
    server: Server,
    clock: Arc<SimulatedClock>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl World {
    /// Creates a server with these responses, which then loses every connection.
    fn new(turns: impl IntoIterator<Item = impl Into<ServerTurn>>) -> Self {
        let server = Server(Arc::new(Mutex::new(ServerState {
            turns: turns.into_iter().map(Into::into).collect(),
            otherwise: End::Lost,
            sent: Vec::new(),
        })));
        let clock = SimulatedClock {
            start: Instant::now(),
            time_of_day: SystemTime::UNIX_EPOCH + MORNING,
            chance: Chance::Seeded(Random::new(1)),
        };
        Self {
            server,
            clock: Arc::new(clock),
            events: Arc::default(),
        }
    }

    /// Creates a server that treats every request the same.
    fn always(end: End) -> Self {
        let world = Self::new([End::Lost; 0]);
        world.end_all_with(end);
        world
    }

    fn with_random(mut self, number: u64) -> Self {
        self.clock_mut().chance = Chance::Always(number);
        self
    }

    /// Sets the error of the wall clock, in seconds.
    fn with_wrong_clock(mut self, seconds: i64) -> Self {
        let off = Duration::from_secs(seconds.unsigned_abs());
        let right = self.clock.time_of_day;
        let wrong = if seconds < 0 {
            right - off
        } else {
            right + off
        };
        self.clock_mut().time_of_day = wrong;
        self
    }

    fn clock_mut(&mut self) -> &mut SimulatedClock {
        Arc::get_mut(&mut self.clock).expect("the clock is set before a transport exists")
    }

    fn end_all_with(&self, end: End) {
        self.server.0.lock().unwrap().otherwise = end;
    }

    /// Returns a transport of this world; `set` configures it.
    fn transport(&self, set: impl FnOnce(TransportBuilder) -> TransportBuilder) -> Transport {
        let events = Arc::clone(&self.events);
        let builder = Transport::builder(Arc::new(self.server.clone()))
            .with_clock(self.clock.clone())
            .with_observer(Arc::new(move |event: &Event| {
                events.lock().unwrap().push(event.clone());
            }));
        set(builder).build()
    }

    fn sent(&self) -> Vec<SentRequest> {
        self.server.0.lock().unwrap().sent.clone()
    }

    fn count(&self) -> usize {
        self.server.0.lock().unwrap().sent.len()
    }

    /// Returns the times of the requests, in milliseconds from the start.
    fn sent_at(&self) -> Vec<u128> {
        let start = self.clock.start;
        let sent = self.sent();
        sent.iter()
            .map(|sent| sent.at.duration_since(start).as_millis())
            .collect()
    }

    /// Returns the waits, and whether each was required.
    fn waits(&self) -> Vec<(Duration, bool)> {
        let events = self.events.lock().unwrap();
        let waits = events.iter().filter_map(|event| match event {
            Event::Wait { delay, asked } => Some((*delay, *asked)),
            Event::Attempt(_) => None,
        });
        waits.collect()
    }

    /// Returns the total of the required waits.
    fn waited(&self) -> Duration {
        let waits = self.waits();
        let asked = waits.iter().filter(|(_, asked)| *asked);
        asked.map(|(delay, _)| delay).sum()
    }
}

async fn send(transport: &Transport, options: SendOptions<'_>) -> Result<Response, TransportError> {
    transport.send(get("https://h/"), options).await
}

async fn send_safe(transport: &Transport) -> Result<Response, TransportError> {
    send(transport, SendOptions::new(Idempotency::Safe)).await
}

/// An authorizer whose renewal takes a while.
#[derive(Debug)]
struct SlowKeys {
    keys: Keys,
    takes: Duration,
}

impl Authorizer for SlowKeys {
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        self.keys.ready(uri)
    }

    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.keys.renew(uri, stale).await
        })
    }
}
