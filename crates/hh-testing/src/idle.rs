//! Addresses of this machine without a responding server.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Returns an address of this machine where nothing listens.
pub fn closed_address() -> SocketAddr {
    IdleListener::new().address()
}

/// A listener that accepts no connections: the kernel completes them, and no data is sent.
pub struct IdleListener {
    listener: TcpListener,
}

impl IdleListener {
    /// Listens on a free port of `127.0.0.1`.
    pub fn new() -> Self {
        Self::bind("127.0.0.1:0").unwrap()
    }

    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// Fails if the machine does not have the address or the port is in use.
    pub fn bind(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener })
    }

    /// Returns the address with the port.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Returns the URL of the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns whether no client has connected since the last call.
    pub fn is_untouched(&self) -> bool {
        let accepted = self.listener.accept();
        accepted.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

impl Default for IdleListener {
    fn default() -> Self {
        Self::new()
    }
}

/// A port whose connections receive no response, as behind a firewall that drops packets.
pub struct FilteredPort {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FilteredPort {
    /// Filters a free port of `127.0.0.1`.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        // The first connection fills the queue; the kernel drops all further ones.
        let short = Duration::from_millis(200);
        let connect = || TcpStream::connect_timeout(&address, short).ok();
        let waiting = std::iter::from_fn(connect).take(16).collect();
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }

    /// Returns the address with the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Default for FilteredPort {
    fn default() -> Self {
        Self::new()
    }
}
