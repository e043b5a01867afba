//! The connections of the admin port: few, and short. It asks nobody who they are, and probes of a cluster must reach it: so
//! somebody who opens many connections and says nothing must not keep the probes out.

use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::limits::{ConcurrencyLimit, network};

/// Connections at once; more are closed.
const MOST: u32 = 64;
/// Connections of one network at once: nobody alone takes every place.
const MOST_OF_ONE: u32 = 32;
/// A request must have come in this time.
const REQUEST: Duration = Duration::from_secs(5);
/// Everything else besides: the answer goes out and is taken. There is one request for each connection.
const WHOLE: Duration = Duration::from_secs(10);
/// Rest after a connection that could not be accepted: without it, a lack of file handles is a loop.
const REST: Duration = Duration::from_millis(50);

/// Serves the routes; ends never. Who drops this closes every connection.
pub(crate) async fn serve(listener: TcpListener, routes: Router) {
    let places = ConcurrencyLimit::default();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection to the admin port cannot be accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        // `None` counts all of them. Too many: it is closed at once.
        let Some(all) = places.take(None, MOST) else { continue };
        let Some(own) = places.take(Some(network(from.ip())), MOST_OF_ONE) else { continue };
        let answering = answer(stream, routes.clone());
        connections.spawn(async move {
            let _places = [all, own];
            let _ = tokio::time::timeout(WHOLE, answering).await;
        });
    }
}

async fn answer(stream: TcpStream, routes: Router) {
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(REQUEST).keep_alive(false);
    // A scraper that goes away in the middle is nobody's trouble.
    let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).await;
}
