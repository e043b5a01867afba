//! Inventory against real PostgreSQL and NATS: calls and messages in, answers and facts out.

mod calls;
mod messages;
mod schema;
mod shop;

/// Tests start services on several threads each.
macro_rules! it {
    ($(async fn $name:ident() $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() $body
    )*};
}
pub(crate) use it;
