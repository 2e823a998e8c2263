//! `doorward.deliver/1` of the test host: what is queued is kept in the answer.

use std::ffi::{c_char, c_void};

use super::plugin::{passed, text};
use super::writers::write;
use crate::{abi, request};

/// A message that a reply queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it travels.
    pub channel: String,
    /// Where to.
    pub address: String,
    /// Which words.
    pub template: String,
    /// What goes into them, in order.
    pub params: Vec<(String, String)>,
    /// How long sending it makes sense; 0: the host's default.
    pub seconds: u32,
}

impl Delivery {
    /// The parameter of that name; empty when there is none.
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }
}

pub(super) static TABLE: abi::Deliver = abi::Deliver {
    struct_size: crate::module::size_of_u32::<abi::Deliver>(),
    reserved: 0,
    message: Some(message),
};

fn is_name(name: &str, most: usize, more: &[u8]) -> bool {
    name.len() <= most
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || more.contains(&b))
}

/// Bytes that are text of at most so many.
fn words(bytes: Option<&[u8]>, most: usize) -> Result<String, abi::Status> {
    let bytes = bytes.ok_or(abi::E_ARGUMENT)?;
    if bytes.len() > most {
        return Err(abi::E_TOO_LARGE);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| abi::E_ARGUMENT)
}

unsafe extern "C" fn message(
    rp: *mut abi::Reply,
    channel: *const c_char,
    address: *const c_void,
    address_len: usize,
    template_name: *const c_char,
    params: *const abi::Pair,
    n_params: u32,
    seconds: u32,
) -> abi::Status {
    write(rp, "deliver.message", |answer| {
        if answer.deliveries.len() >= abi::DELIVER_MAX_MESSAGES || n_params as usize > abi::DELIVER_MAX_PARAMS
        {
            return abi::E_TOO_LARGE;
        }
        let read = || {
            // SAFETY: a plugin passes that many values, valid through the call, by contract.
            let params = unsafe { request::counted(params, n_params) };
            let params = params.iter().map(|param| {
                let name = words(passed(param.name.ptr.cast(), param.name.len), 32)?;
                let value = passed(param.value.ptr.cast(), param.value.len);
                Ok((name, words(value, abi::DELIVER_MAX_VALUE)?))
            });
            Ok::<_, abi::Status>(Delivery {
                channel: text(channel),
                address: words(passed(address, address_len), abi::limit::IDENTIFIER)?,
                template: text(template_name),
                params: params.collect::<Result<_, abi::Status>>()?,
                seconds,
            })
        };
        let delivery = match read() {
            Ok(delivery) => delivery,
            Err(status) => return status,
        };
        let named = is_name(&delivery.channel, 32, b"")
            && is_name(&delivery.template, 64, b".-")
            && delivery.params.iter().all(|(name, _)| is_name(name, 32, b""));
        if !named || delivery.address.is_empty() {
            return abi::E_ARGUMENT;
        }
        answer.deliveries.push(delivery);
        abi::OK
    })
}
