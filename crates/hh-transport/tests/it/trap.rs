//! A port of this machine that nobody may connect to.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};

/// Listens and accepts nothing until it is asked: the kernel keeps the connections for it.
pub(crate) struct Trap {
    listener: TcpListener,
}

impl Trap {
    pub(crate) fn new(address: &str) -> Self {
        Self::try_new(address).unwrap()
    }

    /// Returns `None` if the machine does not have the address, or has given the port away.
    pub(crate) fn try_new(address: &str) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        listener.set_nonblocking(true).unwrap();
        Some(Self { listener })
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Returns whether nobody has connected since it was last asked.
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
