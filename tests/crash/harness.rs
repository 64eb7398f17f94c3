//! Those tools of the stories that pulling the plug needs too.

#[path = "../stories/harness/authority.rs"]
pub mod authority;
#[path = "../stories/harness/client.rs"]
pub mod client;
#[path = "../stories/harness/desk.rs"]
pub mod desk;
#[path = "../stories/harness/hop.rs"]
pub mod hop;
#[path = "../stories/harness/reading.rs"]
pub mod reading;
#[path = "../stories/harness/wire.rs"]
pub mod wire;
