use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

async fn connected() -> (TcpStream, ConnectionIo) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    limit_unsent(&listener);
    let (client, accepted) = tokio::join!(
        TcpStream::connect(listener.local_addr().unwrap()),
        listener.accept()
    );
    let activity = Arc::new(Activity::new(std::time::Instant::now()));
    (
        client.unwrap(),
        ConnectionIo::new(accepted.unwrap().0, activity),
    )
}

/// Returns the time until the server detects that the client has disconnected, or `None` after 2 s.
async fn noticed(io: &ConnectionIo) -> Option<Duration> {
    let started = Instant::now();
    let closed = timeout(Duration::from_secs(2), io.client().closed()).await;
    closed.ok().map(|()| started.elapsed())
}

#[tokio::test]
async fn a_client_that_is_gone_is_noticed_within_a_second() {
    for unread in [&b""[..], b"pipelined bytes"] {
        let (mut client, io) = connected().await;
        client.write_all(unread).await.unwrap();
        client.set_zero_linger().unwrap();
        drop(client);
        let reset = noticed(&io).await.unwrap();
        assert!(reset < Duration::from_millis(600), "reset: {reset:?}");

        let (mut client, io) = connected().await;
        client.write_all(unread).await.unwrap();
        drop(client);
        let closed = noticed(&io).await.unwrap();
        assert!(closed < Duration::from_millis(600), "closed: {closed:?}");

        let (mut client, io) = connected().await;
        client.write_all(unread).await.unwrap();
        client.shutdown().await.unwrap();
        let ended = noticed(&io).await.unwrap();
        assert!(ended < Duration::from_millis(600), "half-closed: {ended:?}");
        assert!(
            ended > GRACE,
            "the server waits for a half-closed client: {ended:?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_waits_is_not_taken_for_gone() {
    let (mut client, io) = connected().await;
    assert_eq!(noticed(&io).await, None);
    client.write_all(b"pipelined bytes").await.unwrap();
    assert_eq!(noticed(&io).await, None);
    let unknown = ClientConnection::default();
    assert!(
        timeout(Duration::from_millis(500), unknown.closed())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_noticed() {
    let (mut client, io) = connected().await;
    let handle = io.client();
    drop(io);
    timeout(Duration::from_secs(1), handle.closed())
        .await
        .unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn accepted_connections_buffer_little_in_the_kernel() {
    let (_client, io) = connected().await;
    let stream: &TcpStream = (*io.write).as_ref();
    let limit = SockRef::from(stream).tcp_notsent_lowat().unwrap();
    assert_eq!(limit, MAX_UNSENT);
}
