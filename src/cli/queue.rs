//! `postern queue`: what waits to be delivered, why, and an administrator's orders about it.
//!
//! The daemon holds the queue and is asked over its control socket; without one, nothing waits for anybody.

use std::io::Write;

use anyhow::Context;
use clap::{Args, Subcommand};
use http::Method;

use crate::base::id::MessageId;
use crate::cli::ConfigFile;
use crate::cli::account::settings;
use crate::control::client::Client;
use crate::control::queue::{MessageLine, Obeyed, Part, RecipientLine};

/// What to do with mail that waits.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the messages that wait, the oldest first: number, kind, sender, and each recipient with the last answer
    List(List),
    /// Show all that is known of one message
    Show(One),
    /// Try a message now, without waiting for its time
    Retry(One),
    /// Keep a message until it is released; its age goes on
    Hold(One),
    /// Let a message that is held go on, at once
    Release(One),
    /// Take a message out: nobody gets it, and nobody is told
    Drop(One),
}

/// One line a recipient.
#[derive(Debug, Args)]
pub struct List {
    /// Print a JSON array instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// The number is the one that `postern queue list` shows.
#[derive(Debug, Args)]
pub struct One {
    /// The message's number
    #[arg(value_name = "ID")]
    id: MessageId,
    /// Print a JSON object instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

/// Runs one of the queue commands.
pub async fn run(command: Command, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        Command::List(wanted) => list(&wanted, out).await,
        Command::Show(one) => show(&one, out).await,
        Command::Retry(one) => order(&one, "retry", "is tried now", out).await,
        Command::Hold(one) => order(&one, "hold", "is held until it is released", out).await,
        Command::Release(one) => order(&one, "release", "goes on now", out).await,
        Command::Drop(one) => order(&one, "drop", "is dropped; nobody is told", out).await,
    }
}

async fn list(wanted: &List, out: &mut impl Write) -> anyhow::Result<()> {
    let mut lines: Vec<MessageLine> = Vec::new();
    let mut after = None;
    loop {
        let query = after.map(|after: MessageId| format!("?after={after}")).unwrap_or_default();
        let part: Part = daemon(&wanted.file).await?.ask(Method::GET, &format!("/queue{query}"), &()).await?;
        lines.extend(part.messages);
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    if wanted.json {
        return json(&lines, out);
    }
    if lines.is_empty() {
        writeln!(out, "Nothing waits.")?;
    }
    for line in &lines {
        for recipient in &line.recipients {
            writeln!(
                out,
                "{} {:10} {} → {}: {}",
                line.id,
                line.kind,
                sender(line),
                recipient.recipient,
                state(recipient)
            )?;
        }
    }
    Ok(())
}

async fn show(one: &One, out: &mut impl Write) -> anyhow::Result<()> {
    let line: MessageLine =
        daemon(&one.file).await?.ask(Method::GET, &format!("/queue/{}", one.id), &()).await?;
    if one.json {
        return json(&line, out);
    }
    writeln!(out, "number    {}\nkind      {}\nsender    {}", line.id, line.kind, sender(&line))?;
    writeln!(out, "received  {}\nsize      {} octets", line.received, line.octets)?;
    for recipient in &line.recipients {
        writeln!(out, "recipient {}: {}", recipient.recipient, state(recipient))?;
        if let Some(first) = &recipient.first_attempt {
            writeln!(out, "          tried {} times, first {first}", recipient.attempts)?;
        }
    }
    Ok(())
}

async fn order(one: &One, word: &str, done: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let path = format!("/queue/{}/{word}", one.id);
    let obeyed: Obeyed = daemon(&one.file).await?.ask(Method::POST, &path, &()).await?;
    if one.json {
        return json(&obeyed, out);
    }
    for recipient in &obeyed.recipients {
        writeln!(out, "The mail to {recipient} {done}.")?;
    }
    Ok(())
}

async fn daemon(file: &ConfigFile) -> anyhow::Result<Client> {
    let directory = settings(file)?.storage.directory;
    let reached = Client::connect(&directory).await.with_context(|| {
        format!("{} cannot be reached; please run this as root or as the service's user", directory.display())
    })?;
    reached.context("the service is not running; start it, then try again")
}

fn state(recipient: &RecipientLine) -> String {
    let next = match &recipient.next_attempt {
        None => "held".to_owned(),
        Some(next) => format!("next attempt {next}"),
    };
    let last = recipient.last_answer.as_ref().map(|answer| format!("; last answer: {answer}"));
    format!("{next}{}", last.unwrap_or_default())
}

fn sender(line: &MessageLine) -> String {
    line.sender.as_ref().map_or_else(|| "<>".to_owned(), ToString::to_string)
}

fn json(value: &impl serde::Serialize, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}
