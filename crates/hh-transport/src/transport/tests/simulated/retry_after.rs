//! Ten thousand generated `Retry-After` headers: no retry is sent before the header allows it.

use std::fmt::Write as _;

use super::*;

/// The longest accepted wait.
const DAY: Duration = Duration::from_hours(24);

/// A header value and its meaning.
struct Value {
    text: Vec<u8>,
    says: RetryAfterHeader,
}

#[derive(Clone, Copy)]
enum RetryAfterHeader {
    Wait(Duration),
    /// A time of day, in seconds from 1970.
    At(u64),
    Nothing,
}

/// The time of a response: the wall clock of the client, and the `Date` of the response.
struct Moment {
    here: Duration,
    date: Option<u64>,
}

impl Value {
    fn random(random: &Random, moment: &Moment) -> Self {
        match random.below(10) {
            0..=2 => {
                let seconds = some_seconds(random);
                let zeros = random.one_of(&["", "", "0", "000"]);
                let text = format!("{zeros}{seconds}").into();
                let says = RetryAfterHeader::Wait(Duration::from_secs(seconds));
                Self { text, says }
            }
            3..=4 => Self::fraction(random),
            5..=7 => {
                let from = moment.date.unwrap_or(moment.here.as_secs());
                let at = (from + some_seconds(random)).saturating_sub(random.below(2) * 100);
                let text = date(random, at).into();
                let says = RetryAfterHeader::At(at);
                Self { text, says }
            }
            _ => Self {
                text: garbage(random),
                says: RetryAfterHeader::Nothing,
            },
        }
    }

    fn fraction(random: &Random) -> Self {
        let seconds = some_seconds(random);
        let mut text = format!("{seconds}.");
        let mut wait = Duration::from_secs(seconds);
        let mut place = SECOND;
        for _ in 0..=random.below(9) {
            let digit = u32::try_from(random.below(10)).unwrap();
            write!(text, "{digit}").unwrap();
            place /= 10;
            wait += place * digit;
        }
        let says = RetryAfterHeader::Wait(wait);
        let text = text.into();
        Self { text, says }
    }

    /// Returns the required wait.
    fn wait(&self, moment: &Moment) -> Duration {
        match self.says {
            RetryAfterHeader::Nothing => Duration::ZERO,
            RetryAfterHeader::Wait(wait) => wait.min(DAY),
            RetryAfterHeader::At(at) => {
                let sender = moment.date.map_or(moment.here, Duration::from_secs);
                Duration::from_secs(at).saturating_sub(sender).min(DAY)
            }
        }
    }
}

/// Returns a number of seconds, mostly below the maximum wait.
fn some_seconds(random: &Random) -> u64 {
    let bound = random.one_of(&[3, 30, 62, 100, 100_000, u64::from(u32::MAX)]);
    random.below(bound)
}

/// Writes a time of day in one of the three forms.
fn date(random: &Random, at: u64) -> String {
    let first = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    let parts: Vec<&str> = first.split([',', ' ']).collect();
    let [weekday, _, day, month, year, time, _] = parts[..] else {
        panic!("{first} has unexpected parts");
    };
    // Two digits of a year cover only this range.
    let is_soon = at < 3_000_000_000;
    match random.below(3) {
        0 if is_soon => {
            let rest = match weekday {
                "Tue" => "s",
                "Wed" => "nes",
                "Thu" => "rs",
                "Sat" => "ur",
                _ => "",
            };
            let year = &year[2..];
            format!("{weekday}{rest}day, {day}-{month}-{year} {time} GMT")
        }
        1 => {
            let day: u8 = day.parse().unwrap();
            format!("{weekday} {month} {day:2} {time} {year}")
        }
        _ => first,
    }
}

/// Returns a value without a meaning.
fn garbage(random: &Random) -> Vec<u8> {
    let known = [
        "",
        "soon",
        "-1",
        "+1",
        "1e3",
        "inf",
        "NaN",
        ".",
        "1.2.3",
        "0x10",
        "1, 2",
        "10 s",
        "1\u{665}",
        "2027-01-15T09:00:00Z",
        "Fri, 32 Jan 2027 08:00:30 GMT",
        "Fri, 15 Jan 2027 25:00:30 GMT",
        "Fri, 15 Jan 2027 08:00:30 +0000",
        "Fri, 15 Jan 2027 08:00:30",
    ];
    if random.below(2) == 0 {
        return random.one_of(&known).into();
    }
    let length = random.below(40);
    let letters = b"abc XYZ-:,;=\"\t\xc3\xa4\xff";
    (0..length).map(|_| random.one_of(letters)).collect()
}

#[test]
fn no_repetition_comes_before_the_header_allows_it() {
    let random = Random::new(20_270_115);
    let (mut waited, mut refused, mut free) = (0, 0, 0);
    for _ in 0..10_000 {
        match simulate(one_call(&random)) {
            Outcome::Waited => waited += 1,
            Outcome::Refused => refused += 1,
            Outcome::Free => free += 1,
        }
    }
    // Each case occurs often.
    assert!(
        waited.min(refused).min(free) > 1_500,
        "{waited} {refused} {free}"
    );
}

enum Outcome {
    Waited,
    Refused,
    Free,
}

async fn one_call(random: &Random) -> Outcome {
    let takes = MILLISECOND * u32::try_from(random.below(3_000)).unwrap();
    let here = MORNING + takes;
    // The clock of the server is correct, wrong or unknown.
    let date_sent = match random.below(6) {
        0 => Some(here.as_secs()),
        1 => Some(here.as_secs() + random.below(7_200) - 3_600),
        _ => None,
    };
    let moment = Moment {
        here,
        date: date_sent,
    };
    let mut turn = ServerTurn::from(End::Status(
        random.one_of(&[408, 425, 429, 500, 502, 503, 504]),
    ));
    turn.takes = takes;
    match moment.date {
        Some(at) => turn = turn.with_header("date", &date(random, at)),
        None if random.below(4) == 0 => turn = turn.with_header("date", "yesterday"),
        None => {}
    }
    let count = random.one_of(&[1, 1, 1, 2, 3]);
    let values: Vec<Value> = std::iter::repeat_with(|| Value::random(random, &moment))
        .take(count)
        .collect();
    for Value { text, .. } in &values {
        let text = HeaderValue::from_bytes(text).unwrap();
        turn.headers.push(("retry-after", text));
    }
    let shown = format!("{turn:?} at {here:?}");

    let allowed = values.iter().map(|value| value.wait(&moment)).max();
    let allowed = allowed.unwrap();
    let world = World::new([turn, End::Status(200).into()]);
    let result = send_safe(&world.transport(|builder| builder)).await;
    let answered = world.clock.start + takes;
    if allowed > Duration::from_mins(1) {
        let asked = result.unwrap_err().retry_after().unwrap();
        assert!(is_just_over(allowed, asked), "{asked:?} for {shown}");
        assert_eq!(world.count(), 1, "{shown}");
        assert_eq!(Instant::now(), answered, "{shown}");
        return Outcome::Refused;
    }
    result.unwrap();
    let sent = world.sent();
    let [first, second] = &sent[..] else {
        panic!("{} requests for {shown}", sent.len());
    };
    assert_eq!(first.at, world.clock.start);
    let wait = second.at - answered;
    if allowed.is_zero() {
        assert!(wait <= SECOND, "{wait:?} for {shown}");
        assert!(!world.waits()[0].1, "{shown}");
        return Outcome::Free;
    }
    assert!(is_just_over(allowed, wait), "{wait:?} for {shown}");
    assert!(world.waits()[0].1, "{shown}");
    Outcome::Waited
}

/// Returns whether a wait is at most 2 ms longer than allowed. The fraction of the header and the end of the simulated
/// wait are each rounded up to a millisecond.
fn is_just_over(allowed: Duration, wait: Duration) -> bool {
    wait >= allowed && wait <= allowed + 2 * MILLISECOND
}
