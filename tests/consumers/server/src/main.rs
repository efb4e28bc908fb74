//! An integration test that runs a server in its own process.

use std::error::Error;
use std::net::SocketAddr;

use hh_server::{FirstKey, Server, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Returns the response to a GET request.
async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let options = ServerOptions::new(folder.path().join("data"))
        .with_bind(([127, 0, 0, 1], 0).into())
        .with_admin("me@example.com");
    let mut server = Server::start(options).await?;
    let address = server.address();
    let Some(FirstKey::Show { key, admin, .. }) = server.take_first_key() else {
        return Err("the first start created no key".into());
    };
    assert_eq!(admin, "me@example.com");
    println!("created the key {}", key.redacted());

    let (stop, stopped) = oneshot::channel::<()>();
    let client = async {
        let health = get(address, "/api/v1/health").await;
        let projects = get(address, "/v1/projects").await;
        drop(stop);
        (health, projects)
    };
    let serve = server.run(async { drop(stopped.await) });
    let ((health, projects), ()) = tokio::join!(client, serve);
    assert!(health?.starts_with("HTTP/1.1 200 "));
    assert!(projects?.starts_with("HTTP/1.1 401 "));
    Ok(())
}
