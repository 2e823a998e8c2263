//! The checks, one file each; what they demand stands in [`crate::contract`].

pub(crate) mod abi;
pub(crate) mod answers;
pub(crate) mod concurrency;
pub(crate) mod credentials;
pub(crate) mod deadline;
pub(crate) mod decoy;
pub(crate) mod describe;
pub(crate) mod faults;
pub(crate) mod file;
pub(crate) mod flows;
pub(crate) mod fuzz;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod normalize;
pub(crate) mod records;
pub(crate) mod secrets;

use doorward_plugin::abi as constants;

use crate::exchange::Exchange;
use crate::subject::Opened;

/// The verifications, steps among them, that are accepted whenever they are asked.
fn accepted_verifications(opened: &mut Opened<'_>) -> Vec<Exchange> {
    let mut exchanges = opened.repeatable();
    exchanges.retain(|exchange| exchange.reply.accepted() && exchange.ask.purpose == constants::FOR_VERIFY);
    exchanges
}
