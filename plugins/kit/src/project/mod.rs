//! `doorward plugin new`: a project that builds and passes the kit as it is written.

mod template;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use template::{SDK, TEMPLATES, Template};

/// Where the SDK is for programs that are built from these sources, as long as those are there.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");
/// The page of a project.
const README: &str = include_str!("readme.md");
/// Longest name, as for a kind that is also a file, a crate and a C identifier.
const MAX_NAME: usize = 32;

/// What `new` was asked for.
pub(crate) struct New<'a> {
    name: &'a str,
    template: &'static Template,
    sdk: Option<&'a str>,
}

impl<'a> New<'a> {
    /// # Errors
    /// What is wrong with the arguments.
    pub(crate) fn parse(words: &[&'a str]) -> Result<Self, String> {
        let (mut name, mut language, mut sdk) = (None, None, None);
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word {
                "--lang" => language = Some(value()?),
                "--sdk" => sdk = Some(value()?),
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                word if name.is_none() => name = Some(word),
                more => return Err(format!("one NAME, please: what is {more}?")),
            }
        }
        let name = name.ok_or("which NAME?")?;
        let is_name = name.len() <= MAX_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name {
            return Err(format!(
                "{name:?} is no name: a small letter, then small letters, digits and _, {MAX_NAME} at most"
            ));
        }
        let languages: Vec<&str> = TEMPLATES.iter().map(|template| template.language).collect();
        let languages = languages.join(", ");
        let language = language.ok_or_else(|| format!("--lang is needed: {languages}"))?;
        let template = TEMPLATES.iter().find(|template| template.language == language);
        let template = template.ok_or_else(|| format!("--lang {language}: there are {languages}"))?;
        Ok(Self { name, template, sdk })
    }

    /// Writes the project into a new folder of its name; what to do next.
    ///
    /// # Errors
    /// There is such a folder, or it cannot be written.
    pub(crate) fn write(&self) -> Result<String, String> {
        let folder = Path::new(self.name);
        let sdk = self.sdk()?;
        let place = |path: &Path, error: &std::io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir(folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("there is a {} here already: nothing was written", self.name)
            }
            _ => place(folder, &error),
        })?;
        let files = self.template.files.iter().copied();
        let options = self.template.page.find("\n## Options\n");
        let options = options
            .and_then(|at| self.template.page.get(at..))
            .unwrap_or_default();
        let readme = format!("{README}{options}");
        for (path, text) in files.chain([("README.md", readme.as_str())]) {
            let path = folder.join(self.named(path));
            let inside = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(inside).map_err(|error| place(inside, &error))?;
            let text = if path.starts_with(folder.join("include")) {
                // The contract as it is.
                text.to_owned()
            } else {
                self.own(text, &sdk)
            };
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
                .map_err(|error| place(&path, &error))?;
            file.write_all(text.as_bytes())
                .map_err(|error| place(&path, &error))?;
        }
        let next = format!("  {}\n  {}\n", self.template.build, self.template.check);
        let next = self.named(&next.replace("{object}", self.template.object));
        Ok(format!(
            "{name}/ is a provider that works. Now:\n\n  cd {name}\n{next}",
            name = self.name
        ))
    }

    /// The text of a template as the project has it.
    fn own(&self, text: &str, sdk: &str) -> String {
        let text = self
            .template
            .replaced
            .iter()
            .fold(text.to_owned(), |text, (from, to)| {
                text.replace(from, &self.named(to))
            });
        let text = text
            .replace("{build}", self.template.build)
            .replace("{check}", self.template.check)
            .replace("{configured}", self.template.configured)
            .replace("{object}", &self.named(self.template.object))
            .replace("{source}", &self.named(self.template.source))
            .replace(SDK, sdk);
        if text.starts_with("# {name}\n") {
            self.named(&text)
        } else {
            text
        }
    }

    fn named(&self, text: &str) -> String {
        let mut title = self.name.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text.replace("{name}", self.name).replace("{Name}", &title)
    }

    /// The folder of the Rust SDK, for the languages that need it.
    fn sdk(&self) -> Result<String, String> {
        if !self.template.replaced.iter().any(|(_, to)| *to == SDK) {
            return Ok(String::new());
        }
        let folder = self.sdk.map_or_else(|| PathBuf::from(SOURCES), PathBuf::from);
        let folder = folder
            .canonicalize()
            .ok()
            .filter(|folder| folder.join("Cargo.toml").is_file())
            .ok_or_else(|| {
                format!(
                    "{} is not the SDK: say with --sdk where plugins/sdk of Doorward's sources is",
                    folder.display()
                )
            })?;
        Ok(folder.display().to_string())
    }
}
