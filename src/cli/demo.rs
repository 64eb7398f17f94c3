//! `postern demo`: the whole gateway on loopback, for a newcomer to try by hand and for scripts to drive.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::accounts::Rights;
use crate::base::id::MessageId;
use crate::base::mailbox;
use crate::base::secret::{Secret, Token};
use crate::cli::settings;
use crate::config::Settings;
use crate::daemon::systemd::StopSignal;
use crate::daemon::{Daemon, Outside, journal};
use crate::delivery::mailbox::Mailbox;
use crate::httpd::pages::mailbox::Demo;
use crate::net::tls;
use crate::roster::{NewStaff, RosterFault};

/// The staff member of the demo.
const STAFF: &str = "alex@corp.example";
/// What the staff member's mail client shows.
const STAFF_NAME: &str = "Alex Doe";
const INVITE: &str = "invite@corp.example";

/// What a newcomer or a script may want otherwise.
#[derive(Debug, Args)]
pub struct Options {
    /// Keep all state in this directory, and continue there if it has some
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print one JSON line with the same facts, as soon as all is listening
    #[arg(long)]
    json: bool,
    /// Deliver to this server instead of the built-in mailbox
    #[arg(long, value_name = "HOST:PORT")]
    smarthost: Option<String>,
    /// How to speak to the smarthost
    #[arg(long, value_name = "MODE", default_value = "none", requires = "smarthost")]
    smarthost_tls: SmarthostTls,
    /// Trust this authority (PEM) for the smarthost's certificate
    #[arg(long, value_name = "FILE", requires = "smarthost")]
    smarthost_ca: Option<PathBuf>,
    /// Where to take mail with STARTTLS; port 0 finds a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    submission: SocketAddr,
    /// Where to take mail with TLS from the first octet
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    submissions: SocketAddr,
    /// Where to serve the web pages
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    web: SocketAddr,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SmarthostTls {
    /// Plain; the demo's smarthost is on this machine
    None,
    /// STARTTLS, with the certificate checked
    Starttls,
    /// TLS from the first octet, with the certificate checked
    Implicit,
}

/// What a newcomer needs to know.
#[derive(Serialize)]
struct Facts {
    submission: SocketAddr,
    submissions: SocketAddr,
    user: &'static str,
    password: String,
    invite: &'static str,
    web: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    ca: PathBuf,
}

/// Runs until Ctrl-C.
pub async fn run(options: Options, out: &mut impl Write) -> anyhow::Result<()> {
    for address in [options.submission, options.submissions, options.web] {
        if !address.ip().is_loopback() {
            bail!("{address} is not on loopback; the demo is for this machine only");
        }
    }
    let mut stop_signal = StopSignal::listen().context("listening for Ctrl-C")?;
    let home = Home::open(options.keep.as_deref())?;
    let settings = home.settings(&options)?;
    journal::start(&settings.log)?;

    let mut outside = Outside::system(&settings)?;
    let mut mailbox_word = None;
    if options.smarthost.is_none() {
        let mailbox = Mailbox::new(Arc::clone(&outside.clock));
        let word = home.word("mailbox-word")?;
        outside.courier = Some(Arc::new(mailbox.clone()));
        outside.mailbox = Some(Demo::new(mailbox, &word));
        mailbox_word = Some(word);
    }
    let daemon = Daemon::start(settings, outside).await?;
    let password = home.word("password")?;
    enrol(&daemon, &password).await?;

    let web = format!("https://{}", daemon.web());
    let facts = Facts {
        submission: daemon.listeners().first().copied().context("no submission listener")?,
        submissions: daemon.listeners().get(1).copied().context("no submissions listener")?,
        user: STAFF,
        password: password.reveal().to_owned(),
        invite: INVITE,
        mailbox: mailbox_word.map(|word| format!("{web}/mailbox/{}", word.reveal())),
        web,
        ca: home.file("ca.pem"),
    };
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&facts)?)?;
    } else {
        introduce(&facts, &home, out)?;
    }
    out.flush()?;

    let ended = tokio::select! {
        _ = stop_signal.come() => Ok(()),
        reason = daemon.failed() => Err(anyhow::anyhow!("the store has failed: {reason}")),
    };
    let late = daemon.stop().await;
    drop(home);
    ended?;
    if !late.is_empty() {
        bail!("stopped, but these had not finished: {}", late.join(", "));
    }
    Ok(())
}

/// The state directory; removed when dropped, unless it is to be kept.
struct Home {
    directory: PathBuf,
    kept: bool,
}

impl Home {
    fn open(keep: Option<&Path>) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let directory = match keep {
            Some(directory) => std::path::absolute(directory)?,
            None => std::env::temp_dir().join(format!("postern-demo-{}", MessageId::fresh())),
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700).recursive(keep.is_some());
        builder.create(&directory).with_context(|| {
            let remedy = if keep.is_some() {
                "name another with --keep"
            } else {
                "set TMPDIR to one that can be used"
            };
            format!("the folder {} cannot be made; {remedy}", directory.display())
        })?;
        let home = Self { directory, kept: keep.is_some() };
        home.make_certificate()?;
        Ok(home)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn make_certificate(&self) -> anyhow::Result<()> {
        if self.file("key.pem").exists() {
            return Ok(());
        }
        let made = tls::self_made(&["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()])?;
        self.write("ca.pem", &made.ca)?;
        self.write("certificate.pem", &made.certificate)?;
        self.write("key.pem", &made.key)
    }

    /// A random word that stays the same while the directory is kept.
    fn word(&self, name: &str) -> anyhow::Result<Token> {
        match std::fs::read_to_string(self.file(name)) {
            Ok(word) => Token::parse(&word).with_context(|| format!("{name} holds no word of this demo")),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                let word = Token::fresh()?;
                self.write(name, word.reveal())?;
                Ok(word)
            }
            Err(fault) => Err(fault).with_context(|| name.to_owned()),
        }
    }

    /// The demo is configured as any gateway is: by a file, which stays with what is kept.
    fn settings(&self, options: &Options) -> anyhow::Result<Settings> {
        self.write("postern.toml", &configuration(options)?)?;
        settings(&self.file("postern.toml"))
    }

    /// For our own eyes only.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.file(name))
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .with_context(|| self.file(name).display().to_string())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(fault) = std::fs::remove_dir_all(&self.directory) {
            tracing::warn!(%fault, directory = %self.directory.display(), "could not be removed");
        }
    }
}

/// Adds the staff account, unless a kept directory has it.
async fn enrol(daemon: &Daemon, password: &Token) -> anyhow::Result<()> {
    let staff = NewStaff {
        mailbox: mailbox::Mailbox::named(STAFF_NAME, STAFF.parse()?),
        aliases: Vec::new(),
        password: Secret::new(password.reveal()),
        rights: Rights::of_staff(true),
    };
    match daemon.roster().add(staff).await {
        Ok(_) | Err(RosterFault::Exists(_)) => Ok(()),
        Err(fault) => Err(fault.into()),
    }
}

fn configuration(options: &Options) -> anyhow::Result<String> {
    let Options { submission, submissions, web, .. } = options;
    let mut file = format!(
        r#"# Written by `postern demo` at each start.
[server]
hostname = "localhost"
certificate = "certificate.pem"
key = "key.pem"

[organisation]
name = "Corp Example"
domains = ["corp.example"]

[[listener]]
address = "{submission}"
tls = "starttls"
role = "submission"

[[listener]]
address = "{submissions}"
tls = "implicit"
role = "submission"

[web]
address = "{web}"
public_url = "https://{web}"

[invite]
addresses = ["{INVITE}"]
# The demo works without a network, and its examples are in domains that do not exist.
check_domains = false
per_hour = "unlimited"
per_day = "unlimited"
per_day_to_one = "unlimited"
per_day_to_domain = "unlimited"

[storage]
directory = "state"

[templates]
directory = "templates"

[log]
filter = "warn"
"#
    );
    if let Some(hop) = &options.smarthost {
        let (host, port) = hop.rsplit_once(':').context("--smarthost needs HOST:PORT")?;
        let port: u16 = port.parse().with_context(|| format!("“{port}” in --smarthost is no port"))?;
        let tls = options.smarthost_tls.to_possible_value().context("the mode of --smarthost-tls")?;
        let trust = match &options.smarthost_ca {
            Some(file) => format!("trust = {}\n", toml_string(&std::path::absolute(file)?.display())),
            None => String::new(),
        };
        // A newcomer waits seconds, not minutes, for the second try.
        let (host, tls) = (toml_string(&host.trim_matches(['[', ']'])), toml_string(&tls.get_name()));
        write!(
            file,
            "\n[relay]\nretry_first = \"1 second\"\n{trust}\n\
             [[relay.smarthost]]\nhost = {host}\nport = {port}\ntls = {tls}\n"
        )?;
    }
    Ok(file)
}

/// A basic string of TOML: what JSON writes is one.
fn toml_string(text: &impl ToString) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}

fn introduce(facts: &Facts, home: &Home, out: &mut impl Write) -> io::Result<()> {
    let Facts { submission, submissions, user, password, invite, web, mailbox, ca } = facts;
    let ca = ca.display();
    writeln!(
        out,
        "Postern is running on this machine only.

  Mail client   {submission} (STARTTLS) or {submissions} (TLS)
  Signs in as   {user}, password {password}
  Invites by    {invite} in To, Cc or Bcc
  Web pages     {web}
  Certificate   made for this demo; its authority is {ca}

Send an invitation, with swaks:

  swaks --server {submission} -tls --auth-user {user} --auth-password {password} \\
    --from {user} --to kim@partner.example,{invite} \\
    --h-To kim@partner.example --h-Cc {invite} \\
    --h-Subject 'The plans' --body 'Hello Kim, could you send us the plans?'

or with curl:

  printf '%s\\r\\n' 'From: {STAFF_NAME} <{user}>' 'To: kim@partner.example' 'Cc: {invite}' \\
    'Subject: The plans' '' 'Hello Kim, could you send us the plans?' |
  curl --ssl-reqd --cacert {ca} --url smtp://{submission} --user {user}:{password} \\
    --mail-from {user} --mail-rcpt kim@partner.example --mail-rcpt {invite} --upload-file -
"
    )?;
    match mailbox {
        Some(mailbox) => writeln!(
            out,
            "Read what was delivered, and follow the link:

  {mailbox}

  (The browser warns of the certificate, because it was made for this demo: go on, or let it trust the authority.)

Open the account and leave a file. Then sign in as {user}, with the password above, in another browser or a
private window, to pick it up and to see how the invitation stands:

  {web}/received
"
        )?,
        None => writeln!(out, "Mail is delivered to the smarthost.\n")?,
    }
    if home.kept {
        writeln!(out, "Ctrl-C stops; all state stays in {}.", home.directory.display())
    } else {
        writeln!(out, "Ctrl-C stops, and leaves nothing behind.")
    }
}
