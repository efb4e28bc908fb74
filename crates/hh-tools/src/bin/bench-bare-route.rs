//! Serves one axum route that returns a fixed JSON body. `cargo xtask bench server` compares the server with it.

use std::io::{self, Write as _};

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

const BODY: &str =
    r#"{"principal":{"type":"user","name":"user@example.com"},"organization":"My Company"}"#;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(
        io::stdout(),
        "Listening on http://{}",
        listener.local_addr()?
    )?;
    let answer = || async { ([(CONTENT_TYPE, "application/json")], BODY) };
    #[expect(
        clippy::disallowed_methods,
        reason = "this route is a baseline and not part of the server"
    )]
    let router = Router::new().route("/v1/auth/whoami", get(answer));
    axum::serve(listener, router).await
}
