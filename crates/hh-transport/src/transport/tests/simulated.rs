//! Calls in simulated time: it goes on only when all wait, and then to the next moment that one of them waits for. So
//! hours pass at once, and every test can say to the millisecond what happens when.

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

/// The time of day at which every test begins: 2027-01-15, 08:00:00.
const MORNING: Duration = Duration::from_hours(500_000);

thread_local! {
    // One for all calls of a thread: to build one takes longer than a call.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
}

/// Runs a future whose waits take no time.
fn simulate<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The clock of the runtime, a clock on the wall that may be wrong, and chance that is the same in every run.
#[derive(Debug)]
struct SimulatedClock {
    start: Instant,
    time_of_day: SystemTime,
    chance: Chance,
}

#[derive(Debug)]
enum Chance {
    Seeded(Random),
    /// Always the same number: the largest makes every delay as long as it may be.
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

/// What the server does with one request.
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

/// An answer that asks to come back later.
fn busy(status: u16, retry_after: &str) -> ServerTurn {
    ServerTurn::from(End::Status(status)).with_header("retry-after", retry_after)
}

/// Answers by turns, then always the same, and remembers what came when.
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
    /// Whether the transport waited for the end.
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

/// A server, a clock, and what an observer hears.
struct World {
    server: Server,
    clock: Arc<SimulatedClock>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl World {
    /// Makes a server that answers so and then loses every connection.
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

    /// Makes one that ends every request in the same way.
    fn always(end: End) -> Self {
        let world = Self::new([End::Lost; 0]);
        world.end_all_with(end);
        world
    }

    fn with_random(mut self, number: u64) -> Self {
        self.clock_mut().chance = Chance::Always(number);
        self
    }

    /// The clock on the wall is so many seconds wrong.
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
        Arc::get_mut(&mut self.clock).expect("it is set before there is a transport")
    }

    fn end_all_with(&self, end: End) {
        self.server.0.lock().unwrap().otherwise = end;
    }

    /// Returns a transport of this world; `set` gives it what the test needs.
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

    /// Returns when the requests were sent, in milliseconds from the start.
    fn sent_at(&self) -> Vec<u128> {
        let start = self.clock.start;
        let sent = self.sent();
        sent.iter()
            .map(|sent| sent.at.duration_since(start).as_millis())
            .collect()
    }

    /// Returns the waits so far, and whether each was asked for.
    fn waits(&self) -> Vec<(Duration, bool)> {
        let events = self.events.lock().unwrap();
        let waits = events.iter().filter_map(|event| match event {
            Event::Wait { delay, asked } => Some((*delay, *asked)),
            Event::Attempt(_) => None,
        });
        waits.collect()
    }

    /// Returns how long was waited because somebody asked for it.
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

/// Keys that take a while to be renewed.
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
