//! A received request.

/// A request: its head, its body, and its number in the order of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The number of requests that the server received before this one.
    pub number: usize,
    /// The body, without decompression.
    pub body: Vec<u8>,
    /// The head with its empty line, or the greeting of a TLS client.
    head: Vec<u8>,
}

impl Request {
    pub(super) fn new(number: usize, mut bytes: Vec<u8>) -> Self {
        let head_length = super::wire::head_length(&bytes).unwrap_or(bytes.len());
        let body = bytes.split_off(head_length);
        Self {
            number,
            body,
            head: bytes,
        }
    }

    /// Returns the bytes of the request.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }

    /// Returns the request as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Returns the head as text, with its empty line.
    pub fn head(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Returns the path with its query.
    pub fn path(&self) -> &str {
        let line = self.lines().next().unwrap_or_default();
        line.split(' ').nth(1).unwrap_or_default()
    }

    /// Returns the value of the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines().find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// Returns the bearer token of the `Authorization` header.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// Returns the lines of the head, or no lines if it is not text.
    fn lines(&self) -> std::str::Lines<'_> {
        std::str::from_utf8(&self.head).unwrap_or_default().lines()
    }
}
