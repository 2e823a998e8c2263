//! The plugin's module and its export.

use std::ffi::CStr;

use crate::size::size_of_u32;
use crate::{Host, Offers, abi, offers};

/// What a plugin says about itself.
#[derive(Clone, Copy, Debug)]
pub struct ModuleInfo {
    /// Reverse domain name, such as `org.example.word`.
    pub id: &'static CStr,
    /// Its version.
    pub version: &'static CStr,
    /// Its maker.
    pub vendor: &'static CStr,
    /// SPDX expression.
    pub license: &'static CStr,
}

/// The module of these kinds; see [`export_module!`](crate::export_module).
#[expect(
    clippy::cast_possible_truncation,
    reason = "a module lists its kinds by hand; the host refuses more than 64"
)]
pub const fn module<O: Offers>(info: ModuleInfo, kinds: &'static [&'static abi::Kind]) -> abi::Module {
    abi::Module {
        struct_size: size_of_u32::<abi::Module>(),
        magic: abi::MAGIC,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        min_host_minor: 0,
        reserved: 0,
        flags: 0,
        n_kinds: kinds.len() as u32,
        kinds: kinds.as_ptr().cast(),
        id: info.id.as_ptr(),
        version: info.version.as_ptr(),
        vendor: info.vendor.as_ptr(),
        license: info.license.as_ptr(),
        load: Some(load),
        extension: Some(offers::extension::<O>),
    }
}

/// Refuses a host that is not of this version before anything else is called.
unsafe extern "C" fn load(host: *const abi::Host) -> abi::Status {
    // SAFETY: the host passes its own table, which lives as long as the process.
    if unsafe { Host::new(host, std::ptr::null()) }.is_some() {
        abi::OK
    } else {
        abi::E_UNSUPPORTED
    }
}

/// Makes the module of a plugin, as `fn doorward_module() -> &'static Module`: for linking it into a program.
///
/// After `kinds` may stand `secrets: [(c"kind", c"dotted.option"), …]`: options that are secret although the schema of that
/// kind cannot say `"writeOnly": true`.
///
/// [`export_module!`](crate::export_module) does the same and exports it.
#[macro_export]
macro_rules! static_module {
    (
        id: $id:expr, version: $version:expr, vendor: $vendor:expr, license: $license:expr,
        kinds: [$($kind:ty),+ $(,)?]
        $(, secrets: [$(($of:expr, $option:expr)),* $(,)?])? $(,)?
    ) => {
        /// The module of this plugin, for linking it into a program: constant, valid as long as the process.
        pub fn doorward_module() -> &'static $crate::abi::Module {
            static KINDS: &[&$crate::abi::Kind] = &[$({
                static KIND: $crate::abi::Kind = $crate::table::<$kind>();
                &KIND
            }),+];
            struct Offered;
            impl $crate::Offers for Offered {
                const MIGRATIONS: &'static [(&'static ::std::ffi::CStr, Option<$crate::abi::Operation>)] =
                    &[$($crate::migration::<$kind>()),+];
                const SECRETS: &'static [$crate::abi::SecretOption] =
                    &[$($($crate::secret($of, $option)),*)?];
            }
            static MODULE: $crate::abi::Module = $crate::module::<Offered>(
                $crate::ModuleInfo { id: $id, version: $version, vendor: $vendor, license: $license },
                KINDS,
            );
            &MODULE
        }
    };
}

/// Exports the kinds of a plugin as `doorward_plugin_v1`, the one symbol that Doorward looks for. Once in a `cdylib`.
///
/// The crate that writes it may forbid unsafe code: the attribute that exports a symbol belongs to this macro.
#[macro_export]
macro_rules! export_module {
    ($($module:tt)*) => {
        $crate::static_module! { $($module)* }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn doorward_plugin_v1() -> *const $crate::abi::Module {
            doorward_module()
        }
    };
}
