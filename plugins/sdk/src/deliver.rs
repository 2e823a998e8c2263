//! Messages to persons, through the application.

use std::ffi::CStr;
use std::time::Duration;

use crate::request::values;
use crate::{Failure, Reply, abi};

/// One message to a person: the application has the mail server, the words and the language.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// How it travels, such as `email`: `[a-z][a-z0-9_]{0,31}`.
    pub channel: &'a CStr,
    /// Where to, 1 to 1024 bytes.
    pub address: &'a str,
    /// Which words the application shall use, such as `email_code.sign_in`: `[a-z][a-z0-9_.-]{0,63}`.
    pub template: &'a CStr,
    /// What goes into them: at most 16, names `[a-z][a-z0-9_]{0,31}`, values of at most 4096 bytes. Secrets may be among
    /// them: they are encrypted until they are sent.
    pub params: &'a [(&'a str, &'a str)],
    /// How long sending it makes sense; zero: the host's default.
    pub lifetime: Duration,
}

impl Reply<'_> {
    /// Queues a message (`doorward.deliver/1`), which is stored with the flow of `Continue` or the record of `Accept`, and
    /// only with those. At most 4 in a reply. In a decoy it is stored the same way and never sent: write it there, too.
    ///
    /// # Errors
    /// When the host does not offer it, or refuses the message; the reply is void then.
    pub fn deliver(&mut self, message: &Message<'_>) -> Result<(), Failure> {
        // SAFETY: the id names this struct.
        let table = unsafe { self.host().extension::<abi::Deliver>(abi::EXT_DELIVER) };
        let deliver = table
            .and_then(|table| table.message)
            .ok_or_else(Failure::unsupported)?;
        let params = values(
            message
                .params
                .iter()
                .map(|(name, value)| (*name, value.as_bytes())),
        );
        let seconds = u32::try_from(message.lifetime.as_secs()).unwrap_or(u32::MAX);
        // SAFETY: the host's function on the host's reply; texts end with NUL, and everything outlives the call.
        let status = unsafe {
            deliver(
                self.raw(),
                message.channel.as_ptr(),
                message.address.as_ptr().cast(),
                message.address.len(),
                message.template.as_ptr(),
                params.as_ptr(),
                u32::try_from(params.len()).unwrap_or(u32::MAX),
                seconds,
            )
        };
        Failure::check(status, "the host refused a message")
    }
}
