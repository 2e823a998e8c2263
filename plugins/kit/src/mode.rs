//! Where a plugin is checked.

/// Where the plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In the process of the case.
    InProcess,
    /// In a process of its own, as with `isolation = "process"`.
    Isolated,
}

impl Mode {
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Isolated => "isolated",
        }
    }

    pub(crate) fn of(id: &str) -> Option<Self> {
        [Self::InProcess, Self::Isolated]
            .into_iter()
            .find(|mode| mode.id() == id)
    }
}
