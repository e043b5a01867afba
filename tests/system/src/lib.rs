//! A world for stories: the whole of Redress on private servers, and the people and systems around it, who speak gRPC
//! and read the public stream like anybody else.

mod check;
mod people;
mod reports;
mod world;

pub use reports::{Report, line};
pub use world::World;
