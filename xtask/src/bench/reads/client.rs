//! Sends single requests with a key.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::super::load::response;
use super::super::program::Program;

/// A connection that sends one key.
pub(super) struct Client {
    reader: BufReader<TcpStream>,
    authorization: String,
}

impl Client {
    pub(super) fn connect(server: &Program, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(server.address()).context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::new(stream),
            authorization: format!("authorization: Bearer {key}"),
        })
    }

    /// Sends one request; null means no body.
    pub(super) fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Vec<u8>)> {
        self.send(method, path, body)?;
        response(&mut self.reader)
    }

    /// Sends one request without reading its response.
    pub(super) fn send(&mut self, method: &str, path: &str, body: &Value) -> Result<()> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\ncontent-length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        Ok(self.reader.get_mut().write_all(request.as_bytes())?)
    }

    pub(super) fn succeed(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let (status, body) = self.call(method, path, body)?;
        ensure!(
            status == 200,
            "the response to {method} {path} has the status {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body)?)
    }
}
