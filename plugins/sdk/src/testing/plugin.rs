//! A loaded plugin, and a provider opened from it.

use std::ffi::{CStr, OsStr};

use super::answer::Asked;
use super::host::{Call, Options};
use super::{Answer, Ask, Conditions, Object, TestHost, http, limit, trace};
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
        let object = Object::map(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let module = object.module();
        self.adopt(module.unwrap_or_else(|| panic!("{}: the plugin returned no module", path.display())))
    }

    /// Takes a module that is linked into the test: what `doorward_module()` of [`crate::export_module!`] returns.
    ///
    /// # Panics
    /// When it is no module of this version, or its `load` refuses.
    #[expect(clippy::panic, reason = "a test without its plugin has failed")]
    pub fn adopt(self, module: &'static abi::Module) -> Plugin {
        self.take(module)
            .unwrap_or_else(|status| panic!("no module of version 1, or its load refuses: {status}"))
    }

    /// As [`Self::adopt`], with the status of the refusal.
    pub(super) fn take(self, module: &'static abi::Module) -> Result<Plugin, i32> {
        if (module.struct_size as usize) < size_of::<abi::Module>()
            || module.magic != abi::MAGIC
            || module.abi_major != abi::ABI_MAJOR
        {
            return Err(abi::E_INTERNAL);
        }
        if let Some(load) = module.load {
            // SAFETY: the host's table lives as long as the process.
            let status = unsafe { load(self.table()) };
            if status != abi::OK {
                return Err(status);
            }
        }
        Ok(Plugin { host: self, module })
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

    /// A struct of the plugin's own extensions; `None`: it does not offer it.
    fn extension<T>(&self, id: &CStr) -> Option<&'static T> {
        let extension = self.module.extension?;
        // SAFETY: the plugin's function; the id ends with NUL.
        let table = unsafe { extension(id.as_ptr()) };
        // SAFETY: NULL, or a constant struct that begins with its size.
        let struct_size = unsafe { table.cast::<u32>().as_ref() }?;
        // SAFETY: that id names a struct that is at least this large, and it lives for ever.
        (*struct_size as usize >= size_of::<T>()).then(|| unsafe { &*table.cast::<T>() })
    }

    /// The operation that rewrites older records of the kind.
    fn migration(&self, kind: *const std::ffi::c_char) -> Option<abi::Operation> {
        let migrate = self.extension::<abi::Migrate>(abi::EXT_MIGRATE)?;
        // SAFETY: the plugin's function; the kind's name ends with NUL.
        unsafe { migrate.operation?(kind) }
    }

    /// The options that the plugin says are secret: kind and dotted name.
    pub fn secrets(&self) -> Vec<(String, String)> {
        let Some(secrets) = self.extension::<abi::Secrets>(abi::EXT_SECRETS) else {
            return Vec::new();
        };
        // SAFETY: the plugin lists that many, for ever.
        let options = unsafe { request::counted(secrets.options, secrets.n_options) };
        options
            .iter()
            .map(|secret| (text(secret.kind), text(secret.option)))
            .collect()
    }

    /// Opens and starts a provider of this kind under this name.
    ///
    /// # Errors
    /// The status and the message with which the kind refused.
    ///
    /// # Panics
    /// When the plugin has no such kind.
    pub fn open(
        &self,
        kind: &str,
        name: &str,
        options: &[(&str, ConfigValue)],
    ) -> Result<Provider, (i32, String)> {
        self.open_under(kind, name, options, Conditions::default()).0
    }

    /// The same under conditions, and the host calls that `open` made.
    ///
    /// # Panics
    /// When the plugin has no such kind.
    #[expect(clippy::panic, reason = "a test without its kind has failed")]
    pub fn open_under(
        &self,
        kind: &str,
        name: &str,
        options: &[(&str, ConfigValue)],
        conditions: Conditions,
    ) -> (Result<Provider, (i32, String)>, Vec<&'static str>) {
        let Some(kind) = self.kinds().into_iter().find(|other| text(other.name) == kind) else {
            panic!("the plugin has no kind {kind}");
        };
        let options = Options::new(options);
        let args = Newer::of(abi::Open {
            struct_size: Newer::<abi::Open>::size(conditions.newer),
            flags: if conditions.newer { UNKNOWN_FLAGS } else { 0 },
            host: self.host.table(),
            config: (&raw const options).cast(),
            provider: abi::Bytes::of(name.as_bytes()),
        });
        let mut instance = std::ptr::null_mut();
        let mut diagnosis = Answer::default();
        let mut calls = Vec::new();
        if let Some(open) = kind.open {
            let (status, made) = trace::under(conditions, || {
                // SAFETY: arguments, place and reply live through the call.
                unsafe {
                    open(
                        &raw const args.known,
                        &raw mut instance,
                        (&raw mut diagnosis).cast(),
                    )
                }
            });
            calls = made;
            if status != abi::OK {
                return (Err((status, diagnosis.message)), calls);
            }
        }
        let mut provider = Provider {
            host: self.host,
            kind,
            migrate: self.migration(kind.name),
            instance,
            name: name.to_owned(),
            started: false,
        };
        if kind.start.is_some() {
            let answer = provider.run(kind.start, &Ask::new(abi::OP_START, 0), conditions);
            if answer.status != abi::OK {
                return (Err((answer.status, answer.message)), calls);
            }
        }
        provider.started = true;
        (Ok(provider), calls)
    }
}

/// Flags that no version of the contract knows.
const UNKNOWN_FLAGS: u32 = 0x4000_0000;

/// A struct of a later version: this version's fields, and more that must not be touched.
#[repr(C)]
struct Newer<T> {
    known: T,
    beyond: [usize; 8],
}

impl<T> Newer<T> {
    const fn of(known: T) -> Self {
        // No address of anything.
        Self {
            known,
            beyond: [usize::MAX / 3; 8],
        }
    }

    const fn size(newer: bool) -> u32 {
        if newer {
            crate::module::size_of_u32::<Self>()
        } else {
            crate::module::size_of_u32::<T>()
        }
    }
}

/// One open provider. Closed when dropped.
pub struct Provider {
    host: TestHost,
    kind: &'static abi::Kind,
    migrate: Option<abi::Operation>,
    instance: *mut abi::Instance,
    name: String,
    started: bool,
}

// SAFETY: an instance may be used from any thread, and by many at once unless it says DWP_SERIAL, by contract.
unsafe impl Send for Provider {}
// SAFETY: as for Send; a test of a kind that declares DWP_SERIAL asks from one thread at a time.
unsafe impl Sync for Provider {}

impl Provider {
    /// Asks, and waits for the answer. An operation that the kind does not have is [`abi::E_UNSUPPORTED`].
    pub fn ask(&self, ask: &Ask) -> Answer {
        self.ask_under(ask, Conditions::default())
    }

    /// The same under conditions.
    pub fn ask_under(&self, ask: &Ask, conditions: Conditions) -> Answer {
        let operation = match ask.operation {
            abi::OP_NORMALIZE => self.kind.normalize,
            abi::OP_ENROLL => self.kind.enroll,
            abi::OP_VERIFY => self.kind.verify,
            abi::OP_UPDATE => self.kind.update,
            abi::OP_STEP => self.kind.step,
            abi::OP_DESCRIBE => self.kind.describe,
            abi::OP_HEALTH => self.kind.health,
            abi::OP_MIGRATE => self.migrate,
            _ => None,
        };
        self.run(operation, ask, conditions)
    }

    fn run(&self, operation: Option<abi::Operation>, ask: &Ask, conditions: Conditions) -> Answer {
        let mut answer = Answer {
            asked: Asked {
                operation: ask.operation,
                purpose: ask.purpose,
                request_flags: ask.flags,
                kind_flags: self.kind.flags,
                source: self.kind.identifier_source,
                has_step: self.kind.step.is_some(),
                resolved: !ask.resolved.is_empty(),
                has_subject: !ask.subject.is_empty() || ask.flags & abi::RF_DECOY != 0,
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
        let values = |fields: &[(String, Vec<u8>)]| -> Vec<abi::Pair> {
            fields
                .iter()
                .map(|(name, value)| abi::Pair {
                    name: bytes(name.as_bytes()),
                    value: bytes(value),
                })
                .collect()
        };
        let credentials = values(&ask.credentials);
        let new_credentials = values(&ask.new_credentials);
        let records: Vec<Newer<abi::Record>> = ask
            .records
            .iter()
            .map(|record| abi::Record {
                struct_size: Newer::<abi::Record>::size(conditions.newer),
                format: record.format,
                id: record.id,
                version: record.version,
                bytes: bytes(&record.bytes),
                label: bytes(record.label.as_bytes()),
            })
            .map(Newer::of)
            .collect();
        let record_pointers: Vec<*const abi::Record> = records
            .iter()
            .map(|record| std::ptr::from_ref(record).cast())
            .collect();
        let call = Call {
            provider: self.name.clone(),
            inline: self.kind.flags & abi::INLINE != 0,
            pure: ask.operation == abi::OP_NORMALIZE,
        };
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let raw = Newer::of(abi::Request {
            struct_size: Newer::<abi::Request>::size(conditions.newer),
            operation: ask.operation,
            purpose: ask.purpose,
            flags: ask.flags | if conditions.newer { UNKNOWN_FLAGS } else { 0 },
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
            agent: bytes(&ask.agent),
            address: bytes(&ask.address),
            resolved: bytes(&ask.resolved),
        });
        limit::begin();
        let (status, calls) = trace::under(conditions, || {
            // SAFETY: instance of this kind, request and reply as the contract wants them, all alive through the call.
            unsafe { operation(self.instance, &raw const raw.known, (&raw mut answer).cast()) }
        });
        answer.status = status;
        answer.host_calls = calls;
        answer.met_larger = http::was_larger();
        limit::finish(self.host.shared(), &answer);
        answer
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(stop) = self.kind.stop.filter(|_| self.started) {
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
