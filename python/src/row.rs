//! What a row of `auth` becomes: a method of each view.

/// Writes every operation into both views, and what they have in common. An operation begins when the context is started; with
/// `at_any_stage` it takes the handle as it is.
macro_rules! views {
    (
        $(
            $(#[$attribute:meta])*
            fn $name:ident($($signature:tt)*) [$($argument:ident: $taken:ty),*] |$auth:ident $(: $stage:ident)?| $body:expr;
        )*
        both { $($both:tt)* }
        Auth { $($waiting:tt)* }
        AsyncAuth { $($awaiting:tt)* }
    ) => {
        #[pymethods]
        impl Auth {
            $(
                $(#[$attribute])*
                #[pyo3(signature = ($($signature)*))]
                fn $name(&self, py: Python<'_>, $($argument: $taken),*) -> PyResult<Py<PyAny>> {
                    let handle = self.0.clone();
                    drive::call(py, &self.0, async move {
                        let $auth = begun!(handle $($stage)?);
                        $body
                    })
                }
            )*
            $($both)*
            $($waiting)*
        }

        #[pymethods]
        impl AsyncAuth {
            $(
                $(#[$attribute])*
                #[pyo3(signature = ($($signature)*))]
                fn $name(&self, py: Python<'_>, $($argument: $taken),*) -> PyResult<Py<PyAny>> {
                    let handle = self.0.clone();
                    drive::begin(py, &self.0, stringify!($name), async move {
                        let $auth = begun!(handle $($stage)?);
                        $body
                    })
                }
            )*
            $($both)*
            $($awaiting)*
        }
    };
}

/// What an operation is called on: the started context, or the handle.
macro_rules! begun {
    ($handle:ident) => {
        $handle.ready().await?
    };
    ($handle:ident at_any_stage) => {
        $handle
    };
}

pub(crate) use {begun, views};
