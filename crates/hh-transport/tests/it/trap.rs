//! A port of this machine that must not receive a connection.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

/// A listener that accepts nothing until it is checked. The kernel queues the connections.
pub(crate) struct Trap {
    listener: TcpListener,
}

impl Trap {
    pub(crate) fn new(address: &str) -> Self {
        Self::try_new(address).unwrap()
    }

    /// Returns `None` if the machine does not have the address or the port is in use.
    pub(crate) fn try_new(address: &str) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        listener.set_nonblocking(true).unwrap();
        Some(Self { listener })
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Returns whether no client has connected since the last check.
    pub(crate) fn is_untouched(&self) -> bool {
        let accepted = self.listener.accept();
        accepted.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

#[test]
fn a_trap_notices_a_connection() {
    let trap = Trap::new("127.0.0.1:0");
    assert!(trap.is_untouched());
    let connection = TcpStream::connect(("127.0.0.1", trap.port())).unwrap();
    assert!(!trap.is_untouched());
    drop(connection);
    assert!(trap.is_untouched());
}
