//! `postern template`: the texts of mails and pages, looked at, tried and taken out to be changed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::base::language::Language;
use crate::cli::{ConfigFile, settings};
use crate::daemon::templates::Folder;
use crate::template::browse::File;
use crate::template::reference::{meaning, reference};
use crate::template::{Shelf, TemplateFault, Templates};

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List all templates, what each is for, and which of them you have changed
    List(Place),
    /// Try the files of the templates folder, and say file, line and reason of each that is not taken
    ///
    /// Ends with 1 if there is one.
    Check(Place),
    /// Print a template as it is in force: yours, or the built-in one
    Show(One),
    /// Print what becomes of a template, filled in with an example
    ///
    /// Of a mail (mail/welcome) its plain text, or with --html its HTML; of a page (page/used) the page.
    Preview(Preview),
    /// Write built-in templates into the templates folder, to be changed there
    ///
    /// A whole mail (mail/welcome) or a single file. Files that are there stay as they are unless --force is given.
    Eject(Eject),
    /// Print the page of all templates and the names that each may use, as Markdown
    Reference,
}

/// Where the templates are.
#[derive(Debug, Args)]
pub struct Place {
    /// The templates folder, instead of the one in the configuration
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
}

/// Which template.
#[derive(Debug, Args)]
pub struct One {
    /// As `postern template list` names it: mail/welcome/body.txt
    name: String,
    /// The language, as en or de
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: Language,
    #[command(flatten)]
    place: Place,
}

/// What to fill in.
#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    one: One,
    /// Of a mail, the HTML
    #[arg(long)]
    html: bool,
    /// Of a mail, the plain text, as without --html
    #[arg(long, conflicts_with = "html")]
    text: bool,
    /// Write it into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What to take out.
#[derive(Debug, Args)]
pub struct Eject {
    /// As `postern template list` names them
    #[arg(required = true)]
    names: Vec<String>,
    /// The language, as en or de
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: Language,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    place: Place,
}

/// Does it.
pub fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::List(place) => list(&place, out),
        Command::Check(place) => check(&place, out),
        Command::Show(one) => show(&one, out),
        Command::Preview(preview) => preview.print(out),
        Command::Eject(eject) => eject.write(out),
        Command::Reference => Ok(out.write_all(reference().as_bytes())?),
    }
}

impl Place {
    fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None => settings(&self.file.config)?
                .templates
                .context("the configuration names no templates.directory"),
        }
    }

    /// The texts in force as the daemon would have them, and the faults of those that it would not take.
    fn read(&self) -> anyhow::Result<(Templates, Vec<TemplateFault>)> {
        let (folder, shelf) = (self.folder()?, Shelf::new(Templates::built_in()));
        let read = Folder::new(folder.clone()).refresh(&shelf);
        let faults = read.with_context(|| format!("{} cannot be read", folder.display()))?;
        Ok(((*shelf.current()).clone(), faults))
    }
}

fn list(place: &Place, out: &mut impl Write) -> anyhow::Result<()> {
    let (templates, _) = place.read()?;
    let built_in = Templates::built_in();
    for file in templates.files() {
        let path = file.path();
        let yours = if built_in.text(&path) == Some(file.text) { "" } else { " (yours)" };
        writeln!(out, "{path}{yours}: {}", meaning(file.name))?;
    }
    Ok(())
}

fn check(place: &Place, out: &mut impl Write) -> anyhow::Result<()> {
    let (_, faults) = place.read()?;
    for fault in &faults {
        writeln!(out, "{fault}")?;
    }
    match faults.len() {
        0 => Ok(writeln!(out, "{} has no faulty template", place.folder()?.display())?),
        1 => bail!("one template is not taken; until it is mended, the built-in text is in force"),
        count => {
            bail!("{count} templates are not taken; until they are mended, the built-in texts are in force")
        }
    }
}

fn show(one: &One, out: &mut impl Write) -> anyhow::Result<()> {
    let (templates, _) = one.place.read()?;
    let file = templates.file(&one.name, one.language).with_context(|| unknown(&one.name))?;
    Ok(out.write_all(file.text.as_bytes())?)
}

impl Preview {
    fn print(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let One { name, language, place } = &self.one;
        let (templates, faults) = place.read()?;
        for fault in faults {
            // What is shown may be the built-in text for that reason.
            let _ = writeln!(io::stderr(), "{fault}");
        }
        let ending = if self.html || name.starts_with("page/") { ".html" } else { ".txt" };
        let names = parts(name, |part| part.ends_with(ending));
        if names.is_empty() {
            bail!(unknown(name));
        }
        let mut text = String::new();
        for name in names {
            text.push_str(&templates.sample(name, *language)?);
        }
        match &self.out {
            Some(file) => fs::write(file, text).with_context(|| format!("writing {}", file.display())),
            None => Ok(out.write_all(text.as_bytes())?),
        }
    }
}

impl Eject {
    /// All or nothing: no file is written if one of them stands in the way.
    fn write(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let (folder, built_in) = (self.place.folder()?, Templates::built_in());
        let mut files = Vec::new();
        for name in &self.names {
            let parts = parts(name, |_| true);
            if parts.is_empty() {
                bail!(unknown(name));
            }
            for part in parts {
                // A language that is not built in begins with the English text, to be translated.
                let file = built_in.file(part, self.language).with_context(|| unknown(part))?;
                let path = File { language: self.language, ..file }.path();
                files.push((folder.join(path), file.text));
            }
        }
        if let Some((there, _)) = files.iter().find(|(file, _)| !self.force && file.exists()) {
            bail!(
                "{} is there already; nothing was written. With --force it is overwritten.",
                there.display()
            );
        }
        for (file, text) in files {
            put(&file, text).with_context(|| format!("writing {}", file.display()))?;
            writeln!(out, "{}", file.display())?;
        }
        Ok(())
    }
}

fn put(file: &Path, text: &str) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(file, text)
}

/// The templates that a name means: itself, the parts of a mail, or a page without its ending.
fn parts(name: &str, wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    if let Some(one) = Templates::names().find(|other| *other == name) {
        return vec![one];
    }
    let is_part =
        |other: &&str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('/') || rest == ".html");
    Templates::names().filter(is_part).filter(|other| wanted(other)).collect()
}

fn unknown(name: &str) -> String {
    format!("there is no template “{name}”; `postern template list` names them all")
}
