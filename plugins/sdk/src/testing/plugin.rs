//! A loaded plugin, and a provider opened from it.

use std::ffi::{CStr, OsStr};

use super::answer::Asked;
use super::host::{Call, Options};
use super::{Answer, Ask, TestHost};
use crate::{abi, request};

/// An option of a provider.
#[derive(Clone, Debug)]
pub enum ConfigValue {
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A secret.
    Secret(Vec<u8>),
    /// A text.
    Text(String),
}

/// A plugin in this process. It stays as long as the process does.
#[derive(Clone, Copy)]
pub struct Plugin {
    host: TestHost,
    module: &'static abi::Module,
}

impl TestHost {
    /// Loads a shared object.
    ///
    /// # Panics
    /// When it cannot be loaded or is no plugin: this is for tests.
    #[expect(clippy::panic, reason = "a test without its plugin has failed")]
    pub fn load(self, path: impl AsRef<OsStr>) -> Plugin {
        let path = path.as_ref();
        // SAFETY: the test names a plugin to run; what its constructors do is the test author's choice.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // SAFETY: the symbol of that name is of this type, by the contract in the header.
        let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY_SYMBOL.to_bytes()) };
        let entry = *entry.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Never unloaded: thread-local destructors and static data of the plugin may outlive any handle.
        std::mem::forget(library);
        // SAFETY: the entry only returns the address of constant data.
        let module = unsafe { entry() };
        assert!(!module.is_null(), "the plugin returned no module");
        // SAFETY: not NULL; a plugin's module is constant and lives for ever.
        self.adopt(unsafe { &*module })
    }

    /// Takes a module that is linked into the test: what `doorward_module()` of [`crate::export_module!`] returns.
    ///
    /// # Panics
    /// When it is no module of this version, or its `load` refuses.
    pub fn adopt(self, module: &'static abi::Module) -> Plugin {
        assert!(
            module.struct_size as usize >= size_of::<abi::Module>(),
            "the module is too small"
        );
        assert!(
            module.magic == abi::MAGIC && module.abi_major == abi::ABI_MAJOR,
            "not a module of version 1"
        );
        if let Some(load) = module.load {
            // SAFETY: the host's table lives as long as the process.
            let status = unsafe { load(self.table()) };
            assert!(status == abi::OK, "the plugin refused to load: {status}");
        }
        Plugin { host: self, module }
    }
}

impl Plugin {
    /// The module, as the plugin declares it.
    pub fn module(&self) -> &'static abi::Module {
        self.module
    }

    /// The kinds, as the plugin declares them.
    pub fn kinds(&self) -> Vec<&'static abi::Kind> {
        (0..self.module.n_kinds as usize)
            // SAFETY: the module lists that many kinds, each constant.
            .map(|index| unsafe { &**self.module.kinds.add(index) })
            .collect()
    }

    /// Opens and starts a provider of this kind under this name.
    ///
    /// # Errors
    /// The status and the message with which the kind refused.
    ///
    /// # Panics
    /// When the plugin has no such kind.
    #[expect(clippy::panic, reason = "a test without its kind has failed")]
    pub fn open(
        &self,
        kind: &str,
        name: &str,
        options: &[(&str, ConfigValue)],
    ) -> Result<Provider, (i32, String)> {
        let Some(kind) = self.kinds().into_iter().find(|other| text(other.name) == kind) else {
            panic!("the plugin has no kind {kind}");
        };
        let options = Options::new(options);
        let args = abi::Open {
            struct_size: crate::module::size_of_u32::<abi::Open>(),
            flags: 0,
            host: self.host.table(),
            config: (&raw const options).cast(),
            provider: abi::Bytes::of(name.as_bytes()),
        };
        let mut instance = std::ptr::null_mut();
        let mut diagnosis = Answer::default();
        if let Some(open) = kind.open {
            // SAFETY: arguments, place and reply live through the call.
            let status = unsafe { open(&raw const args, &raw mut instance, (&raw mut diagnosis).cast()) };
            if status != abi::OK {
                return Err((status, diagnosis.message));
            }
        }
        let provider = Provider {
            host: self.host,
            kind,
            instance,
            name: name.to_owned(),
        };
        if kind.start.is_some() {
            let answer = provider.run(kind.start, &Ask::health());
            if answer.status != abi::OK {
                return Err((answer.status, answer.message));
            }
        }
        Ok(provider)
    }
}

/// One open provider. Closed when dropped.
pub struct Provider {
    host: TestHost,
    kind: &'static abi::Kind,
    instance: *mut abi::Instance,
    name: String,
}

// SAFETY: an instance may be used from any thread, and by many at once unless it says DWP_SERIAL, by contract.
unsafe impl Send for Provider {}
// SAFETY: as for Send; a test of a kind that declares DWP_SERIAL asks from one thread at a time.
unsafe impl Sync for Provider {}

impl Provider {
    /// Asks, and waits for the answer. An operation that the kind does not have is [`abi::E_UNSUPPORTED`].
    pub fn ask(&self, ask: &Ask) -> Answer {
        let operation = match ask.operation {
            abi::OP_NORMALIZE => self.kind.normalize,
            abi::OP_ENROLL => self.kind.enroll,
            abi::OP_VERIFY => self.kind.verify,
            abi::OP_UPDATE => self.kind.update,
            abi::OP_STEP => self.kind.step,
            abi::OP_HEALTH => self.kind.health,
            _ => None,
        };
        self.run(operation, ask)
    }

    fn run(&self, operation: Option<abi::Operation>, ask: &Ask) -> Answer {
        let mut answer = Answer {
            asked: Asked {
                operation: ask.operation,
                purpose: ask.purpose,
                request_flags: ask.flags,
                kind_flags: self.kind.flags,
                source: self.kind.identifier_source,
                has_step: self.kind.step.is_some(),
                resolved: !ask.resolved.is_empty(),
                format: self.kind.record_version,
                max_record: self.kind.max_record as usize,
                max_state: self.kind.max_state as usize,
                records: ask
                    .records
                    .iter()
                    .map(|record| (record.id, record.version))
                    .collect(),
            },
            ..Answer::default()
        };
        let Some(operation) = operation else {
            answer.status = abi::E_UNSUPPORTED;
            return answer;
        };
        let bytes = |bytes: &[u8]| {
            if bytes.is_empty() {
                abi::Bytes::EMPTY
            } else {
                abi::Bytes::of(bytes)
            }
        };
        let values = |fields: &[(String, Vec<u8>)]| -> Vec<abi::FieldValue> {
            fields
                .iter()
                .map(|(name, value)| abi::FieldValue {
                    name: bytes(name.as_bytes()),
                    value: bytes(value),
                })
                .collect()
        };
        let credentials = values(&ask.credentials);
        let new_credentials = values(&ask.new_credentials);
        let records: Vec<abi::Record> = ask
            .records
            .iter()
            .map(|record| abi::Record {
                struct_size: crate::module::size_of_u32::<abi::Record>(),
                format: record.format,
                id: record.id,
                version: record.version,
                bytes: bytes(&record.bytes),
                label: bytes(record.label.as_bytes()),
            })
            .collect();
        let record_pointers: Vec<*const abi::Record> = records.iter().map(std::ptr::from_ref).collect();
        let call = Call {
            provider: self.name.clone(),
        };
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let raw = abi::Request {
            struct_size: crate::module::size_of_u32::<abi::Request>(),
            operation: ask.operation,
            purpose: ask.purpose,
            flags: ask.flags,
            step: ask.step,
            n_credentials: count(credentials.len()),
            n_new_credentials: count(new_credentials.len()),
            n_records: count(records.len()),
            host: self.host.table(),
            call: (&raw const call).cast(),
            realm: abi::Bytes::EMPTY,
            provider: bytes(self.name.as_bytes()),
            subject: bytes(&ask.subject),
            identifier_raw: bytes(&ask.identifier_raw),
            identifier: bytes(&ask.identifier),
            display: bytes(&ask.display),
            credentials: credentials.as_ptr(),
            new_credentials: new_credentials.as_ptr(),
            records: record_pointers.as_ptr(),
            state: bytes(&ask.state),
            agent: abi::Bytes::EMPTY,
            address: abi::Bytes::EMPTY,
            resolved: bytes(&ask.resolved),
        };
        // SAFETY: instance of this kind, request and reply as the contract wants them, all alive through the call.
        let status = unsafe { operation(self.instance, &raw const raw, (&raw mut answer).cast()) };
        answer.status = status;
        answer
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(stop) = self.kind.stop {
            // SAFETY: no operation runs any more: they borrow `self`.
            unsafe { stop(self.instance) };
        }
        if let Some(close) = self.kind.close {
            // SAFETY: as above, and this is the only time.
            unsafe { close(self.instance) };
        }
    }
}

/// A descriptor's text.
pub(super) fn text(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and by contract it ends with NUL and lives through the call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Bytes that a plugin passed; `None` when they are NULL with a length.
pub(super) fn passed<'a>(data: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    if data.is_null() && len > 0 {
        return None;
    }
    // SAFETY: not NULL unless empty; that the plugin may pass this many is its side of the contract.
    Some(unsafe {
        request::slice(abi::Bytes {
            ptr: data.cast(),
            len,
        })
    })
}
