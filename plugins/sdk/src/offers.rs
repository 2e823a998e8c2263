//! The plugin's own extensions: what `dwp_module.extension` answers.

use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;

use crate::size::size_of_u32;
use crate::{Kind, Operation, abi, trampoline};

/// What a plugin offers besides its kinds; [`export_module!`](crate::export_module) implements it.
pub trait Offers: 'static {
    /// The kinds that rewrite older records.
    const MIGRATIONS: &'static [(&'static CStr, Option<abi::Operation>)];
    /// The options that are secret, beside those whose schema says so.
    const SECRETS: &'static [abi::SecretOption];
}

/// The name of a kind, and the operation that rewrites its older records if it declares one.
pub const fn migration<K: Kind>() -> (&'static CStr, Option<abi::Operation>) {
    let declaration = &K::DECLARATION;
    (
        declaration.name,
        trampoline::entry::<K, { abi::OP_MIGRATE }>(declaration.can(Operation::Migrate)),
    )
}

/// A secret option of a kind.
pub const fn secret(kind: &'static CStr, option: &'static CStr) -> abi::SecretOption {
    abi::SecretOption {
        kind: kind.as_ptr(),
        option: option.as_ptr(),
    }
}

/// The structs of one plugin, as constants.
struct Tables<O>(PhantomData<O>);

impl<O: Offers> Tables<O> {
    const MIGRATE: &'static abi::Migrate = &abi::Migrate {
        struct_size: size_of_u32::<abi::Migrate>(),
        reserved: 0,
        operation: Some(migrating::<O>),
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a plugin lists its secrets by hand; the host refuses more than 256"
    )]
    const SECRETS: &'static abi::Secrets = &abi::Secrets {
        struct_size: size_of_u32::<abi::Secrets>(),
        n_options: O::SECRETS.len() as u32,
        options: O::SECRETS.as_ptr(),
    };
}

/// The text that the host passed.
///
/// # Safety
/// `text` is NULL or ends with NUL.
unsafe fn given<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: not NULL, and it ends with NUL (caller).
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

unsafe extern "C" fn migrating<O: Offers>(kind: *const c_char) -> Option<abi::Operation> {
    // SAFETY: the host passes a name that ends with NUL.
    let kind = unsafe { given(kind) }?;
    let (_, operation) = O::MIGRATIONS.iter().find(|(name, _)| *name == kind)?;
    *operation
}

/// What the module answers.
pub(crate) unsafe extern "C" fn extension<O: Offers>(id: *const c_char) -> *const c_void {
    // SAFETY: the host passes an id that ends with NUL.
    match unsafe { given(id) } {
        Some(id) if id == abi::EXT_MIGRATE && O::MIGRATIONS.iter().any(|(_, has)| has.is_some()) => {
            std::ptr::from_ref(Tables::<O>::MIGRATE).cast()
        }
        Some(id) if id == abi::EXT_SECRETS && !O::SECRETS.is_empty() => {
            std::ptr::from_ref(Tables::<O>::SECRETS).cast()
        }
        _ => std::ptr::null(),
    }
}
