//! A plugin's descriptors on their way out of the helper, and read in the core as if the plugin had been loaded here:
//! by the very same negotiation, for what comes from a helper is no more to be trusted than what comes from a plugin.

#![expect(
    unsafe_code,
    reason = "descriptors are foreign memory on one side, and made by hand on the other"
)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use doorward_plugin_abi as abi;

use super::wire::{Fields, Garbage, Writer};
use crate::foreign::{count, growing, pointers};
use crate::module::Module;
use crate::offered::Offered;

/// Tags of a module.
mod tag {
    pub(super) const ID: u16 = 1;
    pub(super) const VERSION: u16 = 2;
    pub(super) const MAGIC: u16 = 3;
    pub(super) const ABI: u16 = 4;
    pub(super) const FLAGS: u16 = 5;
    pub(super) const KIND: u16 = 6;
    /// Of a kind, and of a field of it; numbers as the header lists them.
    pub(super) const NAME: u16 = 1;
    pub(super) const TITLE: u16 = 2;
    pub(super) const CHANNEL: u16 = 3;
    pub(super) const SCHEMA: u16 = 4;
    pub(super) const AUTOCOMPLETE: u16 = 5;
    pub(super) const NUMBERS: u16 = 6;
    pub(super) const HAS: u16 = 7;
    pub(super) const FIELD: u16 = 8;
    pub(super) const MIGRATES: u16 = 9;
    pub(super) const SECRET: u16 = 10;
}

/// Numbers of a kind that are sent as they are.
const KIND_NUMBERS: usize = 11;
/// Numbers of a field.
const FIELD_NUMBERS: usize = 5;

/// The descriptors of a module that has been read (so every pointer in them is good).
pub(super) fn written(entry: abi::Entry) -> Result<Writer, &'static str> {
    // SAFETY: a plugin's entry takes nothing and returns the same constant data every time; `Module::of` has read it.
    let module = unsafe { growing(entry()) }?;
    // SAFETY: the texts were read by `Module::of`.
    let writer = unsafe {
        Writer::new()
            .maybe(tag::ID, text(module.id))
            .maybe(tag::VERSION, text(module.version))
    };
    let abi = u64::from(module.abi_major)
        | u64::from(module.abi_minor) << 16
        | u64::from(module.min_host_minor) << 32
        | u64::from(module.reserved) << 48;
    let writer = writer
        .number(tag::MAGIC, module.magic.into())
        .number(tag::ABI, abi)
        .number(tag::FLAGS, module.flags.into());
    // SAFETY: as above, for the kinds.
    let kinds = unsafe { pointers(module.kinds, module.n_kinds) }?;
    kinds.into_iter().try_fold(writer, |writer, listed| {
        // SAFETY: as above.
        let kind = unsafe { growing(listed) }?;
        // SAFETY: as above.
        let (written, name) = unsafe { (kind_written(&kind)?, text(kind.name).unwrap_or_default()) };
        let name = std::str::from_utf8(name).map_err(|_| "a name that is not UTF-8")?;
        // SAFETY: the module's own function; `Module::of` has asked it the same.
        let offered = unsafe { Offered::by(module.extension, &[name]) }
            .map_err(|_| "an extension that has changed since it was read")?;
        let written = written.number(tag::MIGRATES, u64::from(!offered.migrations.is_empty()));
        let secrets = offered.secrets.iter().filter(|(kind, _)| kind == name);
        let written = secrets.fold(written, |written, (_, option)| {
            written.put(tag::SECRET, option.as_bytes())
        });
        Ok(writer.nest(tag::KIND, &written))
    })
}

/// # Safety
/// `kind` is a copy of a kind's descriptor that has been read.
unsafe fn kind_written(kind: &abi::Kind) -> Result<Writer, &'static str> {
    let numbers = [
        kind.flags,
        kind.identifier_source,
        kind.factor,
        kind.normalize_version,
        kind.record_version,
        kind.max_record,
        kind.max_state,
        kind.default_deadline_ms,
        kind.max_concurrency,
        kind.reserved,
        kind.n_fields,
    ];
    let has = [
        kind.open.is_some(),
        kind.close.is_some(),
        kind.start.is_some(),
        kind.stop.is_some(),
        kind.normalize.is_some(),
        kind.enroll.is_some(),
        kind.verify.is_some(),
        kind.update.is_some(),
        kind.step.is_some(),
        kind.describe.is_some(),
        kind.health.is_some(),
    ];
    // SAFETY: the texts were read by `Module::of` (caller).
    let writer = unsafe {
        Writer::new()
            .maybe(tag::NAME, text(kind.name))
            .maybe(tag::TITLE, text(kind.title))
            .maybe(tag::CHANNEL, text(kind.channel))
            .maybe(tag::SCHEMA, text(kind.config_schema))
    };
    let writer = writer
        .put(tag::NUMBERS, &packed(&numbers))
        .put(tag::HAS, &has.map(u8::from));
    // SAFETY: as above, for the fields.
    let fields = unsafe { pointers(kind.fields, kind.n_fields) }?;
    fields.into_iter().try_fold(writer, |writer, listed| {
        // SAFETY: as above.
        let field = unsafe { growing(listed) }?;
        let numbers = [
            field.flags,
            field.max_len,
            field.purposes,
            field.step,
            field.reserved,
        ];
        // SAFETY: as above.
        let inner = unsafe {
            Writer::new()
                .maybe(tag::NAME, text(field.name))
                .maybe(tag::AUTOCOMPLETE, text(field.autocomplete))
        };
        Ok(writer.nest(tag::FIELD, &inner.put(tag::NUMBERS, &packed(&numbers))))
    })
}

/// # Safety
/// `from` is NULL or a text that lives as long as the process.
unsafe fn text(from: *const c_char) -> Option<&'static [u8]> {
    // SAFETY: as promised by the caller.
    (!from.is_null()).then(|| unsafe { CStr::from_ptr(from) }.to_bytes())
}

fn packed(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn unpacked<const N: usize>(bytes: &[u8]) -> Result<[u32; N], Garbage> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<u32> = chunks.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect();
    match <[u32; N]>::try_from(numbers) {
        Ok(numbers) if rest.is_empty() => Ok(numbers),
        _ => Err(Garbage("it sent a descriptor with too few or too many numbers")),
    }
}

/// A NUL-terminated copy that lives as long as the [`Descriptors`].
struct Texts(Vec<CString>);

impl Texts {
    fn keep(&mut self, text: Option<&[u8]>) -> Result<*const c_char, Garbage> {
        let Some(text) = text else {
            return Ok(ptr::null());
        };
        let text = CString::new(text).map_err(|_| Garbage("it sent a text with a NUL in it"))?;
        // The bytes stand on the heap and do not move with the list.
        let pointer = text.as_ptr();
        self.0.push(text);
        Ok(pointer)
    }
}

/// The module that a helper described, checked as [`Module::of`] checks one that is loaded. Its operations are present
/// or absent as declared; none of them can be called here.
pub(super) fn read(fields: Fields<'_>) -> Result<std::result::Result<Module, String>, Garbage> {
    let mut texts = Texts(Vec::new());
    let mut declared: Vec<Vec<abi::Field>> = Vec::new();
    let mut kinds = Vec::new();
    let mut offered = Offered::default();
    for kind in fields.all(tag::KIND) {
        let kind = Fields::of(kind)?;
        let name = kind.text(tag::NAME)?;
        if kind.number(tag::MIGRATES)? != 0 {
            offered
                .migrations
                .push((name.to_owned(), elsewhere as abi::Operation));
        }
        for option in kind.all(tag::SECRET) {
            let option = String::from_utf8_lossy(option).into_owned();
            offered.secrets.push((name.to_owned(), option));
        }
        let mut of_kind = Vec::new();
        for field in kind.all(tag::FIELD) {
            let field = Fields::of(field)?;
            let [flags, max_len, purposes, step, reserved] =
                unpacked::<FIELD_NUMBERS>(field.bytes(tag::NUMBERS)?)?;
            of_kind.push(abi::Field {
                struct_size: count(size_of::<abi::Field>()),
                flags,
                name: texts.keep(field.find(tag::NAME)?)?,
                autocomplete: texts.keep(field.find(tag::AUTOCOMPLETE)?)?,
                max_len,
                purposes,
                step,
                reserved,
            });
        }
        declared.push(of_kind);
        kinds.push(kind_read(kind, &mut texts)?);
    }
    let pointers: Vec<Vec<*const abi::Field>> = declared
        .iter()
        .map(|fields| fields.iter().map(ptr::from_ref).collect())
        .collect();
    for (kind, fields) in kinds.iter_mut().zip(&pointers) {
        kind.fields = fields.as_ptr();
        kind.n_fields = count(fields.len());
    }
    let listed: Vec<*const abi::Kind> = kinds.iter().map(ptr::from_ref).collect();
    let abi = fields.number(tag::ABI)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the number holds four of 16 bits each"
    )]
    let part = |shift: u32| (abi >> shift) as u16;
    let module = abi::Module {
        struct_size: count(size_of::<abi::Module>()),
        magic: fields.small(tag::MAGIC)?,
        abi_major: part(0),
        abi_minor: part(16),
        min_host_minor: part(32),
        reserved: part(48),
        flags: fields.small(tag::FLAGS)?,
        n_kinds: count(listed.len()),
        kinds: listed.as_ptr(),
        id: texts.keep(fields.find(tag::ID)?)?,
        version: texts.keep(fields.find(tag::VERSION)?)?,
        vendor: ptr::null(),
        license: ptr::null(),
        load: None,
        extension: None,
    };
    // SAFETY: a descriptor made above, with lists and texts that live until it has been read: everything is copied.
    let read = unsafe { Module::read(&raw const module) };
    Ok(read.and_then(|mut module| {
        module.secrets = offered.to(&mut module.kinds)?;
        Ok(module)
    }))
}

fn kind_read(kind: Fields<'_>, texts: &mut Texts) -> Result<abi::Kind, Garbage> {
    let numbers = unpacked::<KIND_NUMBERS>(kind.bytes(tag::NUMBERS)?)?;
    let [
        flags,
        identifier_source,
        factor,
        normalize_version,
        record_version,
        ..,
    ] = numbers;
    let [
        ..,
        max_record,
        max_state,
        default_deadline_ms,
        max_concurrency,
        reserved,
        _,
    ] = numbers;
    let has: [u8; 11] = kind
        .exact(tag::HAS)?
        .ok_or(Garbage("it sent a kind without its operations"))?;
    let [
        open,
        close,
        start,
        ends,
        normalize,
        enroll,
        verify,
        update,
        step,
        describe,
        health,
    ] = has.map(|has| has != 0);
    let operation = |has: bool| has.then_some(elsewhere as abi::Operation);
    Ok(abi::Kind {
        struct_size: count(size_of::<abi::Kind>()),
        // Nothing in another process answers at once.
        flags: flags & !abi::INLINE,
        name: texts.keep(kind.find(tag::NAME)?)?,
        title: texts.keep(kind.find(tag::TITLE)?)?,
        identifier_source,
        factor,
        channel: texts.keep(kind.find(tag::CHANNEL)?)?,
        fields: ptr::null(),
        n_fields: 0,
        normalize_version,
        record_version,
        max_record,
        max_state,
        default_deadline_ms,
        max_concurrency,
        reserved,
        config_schema: texts.keep(kind.find(tag::SCHEMA)?)?,
        open: open.then_some(open_elsewhere as abi::OpenKind),
        close: close.then_some(end_elsewhere as abi::Close),
        start: operation(start),
        stop: ends.then_some(end_elsewhere as abi::Stop),
        normalize: operation(normalize),
        enroll: operation(enroll),
        verify: operation(verify),
        update: operation(update),
        step: operation(step),
        describe: operation(describe),
        health: operation(health),
    })
}

unsafe extern "C" fn elsewhere(
    _this: *mut abi::Instance,
    _rq: *const abi::Request,
    _rp: *mut abi::Reply,
) -> abi::Status {
    abi::E_UNSUPPORTED
}

unsafe extern "C" fn open_elsewhere(
    _args: *const abi::Open,
    _out: *mut *mut abi::Instance,
    _rp: *mut abi::Reply,
) -> abi::Status {
    abi::E_UNSUPPORTED
}

unsafe extern "C" fn end_elsewhere(_this: *mut abi::Instance) {}
