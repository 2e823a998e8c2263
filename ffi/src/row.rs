//! What a row of `operations.rs` becomes: an exported function that reads the operands one by one, calls the core's method of
//! that name, and gives its answer; and a line of the table that tests read.

use std::future::Future;

use doorward::{Auth, Result};

use crate::answer::Answer;
use crate::boundary::{self, In};
use crate::callback;
use crate::held::Held;
use crate::view::View;

/// Runs an operation: `prepare` reads the operands and gives the future that answers. It is asked once; what is not there
/// then goes to the view's queue, or is waited for.
pub(crate) fn run<F, Fut>(auth: In<View>, prepare: F) -> Answer
where
    F: FnOnce(Auth) -> Result<Fut>,
    Fut: Future<Output = Result<Held>> + Send + 'static,
{
    let held = boundary::caught(|| {
        let view = auth.required("auth")?;
        callback::refuse_inside()?;
        view.decide(prepare(view.called()?)?)
    });
    Answer::given(held.unwrap_or_else(Held::from))
}

/// Who causes a call of an operation.
#[cfg(test)]
#[expect(non_camel_case_types, reason = "the words that rows begin with")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    person,
    request,
    program,
}

/// A row, as tests read it.
#[cfg(test)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) by: By,
    /// Names and kinds, in order.
    pub(crate) operands: &'static [(&'static str, &'static str)],
    pub(crate) gives: &'static str,
    pub(crate) about: &'static str,
}

macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $by:ident fn $name:ident($($operands:tt)*) -> $gives:ty;)+) => {
        $( $crate::row::operation! { @take $name, $gives, [$(#[doc = $doc])+], [], [], [$($operands)*] } )+

        /// Every row, for tests.
        #[cfg(test)]
        pub(crate) static OPERATIONS: &[$crate::row::Row] = &[$( $crate::row::Row {
            name: stringify!($name),
            by: $crate::row::By::$by,
            operands: $crate::row::operands!($($operands)*),
            gives: stringify!($gives),
            about: concat!($($doc),+),
        } ),+];
    };
}

#[cfg(test)]
macro_rules! operands {
    ($($operand:ident: $kind:ty),* $(,)?) => { &[$((stringify!($operand), stringify!($kind))),*] };
}

/// Takes the operands one by one (pairs and factors are a pointer and a count, all else is one parameter), then writes the
/// function.
macro_rules! operation {
    (@take $name:ident, $gives:ty, $doc:tt, [$($raw:tt)*], [$($read:tt)*], [$operand:ident: Pairs $(, $($rest:tt)*)?]) => {
        $crate::row::operation! { @list Pairs, $name, $gives, $doc, [$($raw)*], [$($read)*], $operand, [$($($rest)*)?] }
    };
    (@take $name:ident, $gives:ty, $doc:tt, [$($raw:tt)*], [$($read:tt)*], [$operand:ident: Factors $(, $($rest:tt)*)?]) => {
        $crate::row::operation! { @list Factors, $name, $gives, $doc, [$($raw)*], [$($read)*], $operand, [$($($rest)*)?] }
    };
    (@take $name:ident, $gives:ty, $doc:tt, [$($raw:tt)*], [$($read:tt)*], [$operand:ident: $kind:ty $(, $($rest:tt)*)?]) => {
        $crate::row::operation! { @take $name, $gives, $doc,
            [$($raw)* $operand: <$kind as $crate::operand::Operand>::C,],
            [$($read)* $operand = <$kind as $crate::operand::Operand>::read($operand, stringify!($operand)), $crate::operand::Operand::lend;],
            [$($($rest)*)?] }
    };
    (@list $kind:ident, $name:ident, $gives:ty, $doc:tt, [$($raw:tt)*], [$($read:tt)*], $operand:ident, $rest:tt) => {
        $crate::row::operation! { @take $name, $gives, $doc,
            [$($raw)* $operand: $crate::boundary::In<<$kind as $crate::operand::List>::C>, n: usize,],
            [$($read)* $operand = <$kind as $crate::operand::List>::read($operand, n, stringify!($operand)), $crate::operand::List::lend;],
            $rest }
    };
    (@take $name:ident, $gives:ty, [$($doc:tt)*], [$($param:ident: $raw:ty,)*], [$($operand:ident = $read:expr, $lend:path;)*], []) => {
        $($doc)*
        #[unsafe(export_name = concat!("doorward_", stringify!($name)))]
        pub(crate) extern "C" fn $name(
            auth: $crate::boundary::In<$crate::view::View>,
            $($param: $raw),*
        ) -> $crate::answer::Answer {
            $crate::row::run(auth, |auth| {
                $( let mut $operand = $read?; )*
                Ok(async move {
                    let given = <$gives>::from(auth.$name($($lend(&mut $operand)),*).await?);
                    Ok(given.into())
                })
            })
        }
    };
}

#[cfg(test)]
pub(crate) use operands;
pub(crate) use {operation, operations};
