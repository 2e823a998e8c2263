//! Kinds: the code behind provider names, built in or loaded, all through the one table of `doorward_plugin.h`.

mod ask;

pub use ask::*;
