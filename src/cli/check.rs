//! `postern check`: reads the whole configuration, tries what it names, and prints every fault at once.

mod directory;
mod dkim;
#[cfg(feature = "saml")]
mod saml;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use http::Method;

use crate::base::clock::{Clock, SystemClock};
use crate::cli::switch;
use crate::config::{Fault, Route, Settings};
use crate::control::client::Client;
use crate::control::switches::SwitchLine;
use crate::daemon::templates::Folder;
use crate::delivery::relay;
use crate::net::resolver::{HickoryResolver, Resolver};
use crate::net::tls::{ClientTls, ServerTls};
use crate::template::{Shelf, Templates};

/// Checks, prints, and fails if anything is wrong.
pub async fn run(file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = match Settings::load(file) {
        Ok(settings) => settings,
        Err(faults) => {
            let mut report = Report { out, faults: 0 };
            faults.0.iter().try_for_each(|fault| report.fault(fault))?;
            return report.end(file);
        }
    };
    let mut report = Report { out, faults: 0 };
    report.fine(&file.display(), "is complete")?;
    certificate(&settings, &mut report)?;
    state(&settings, &mut report)?;
    templates(&settings, &mut report)?;
    listeners(&settings, &mut report).await?;
    switches(&settings, &mut report).await?;
    directory::servers(&settings, &mut report).await?;
    #[cfg(feature = "saml")]
    saml::providers(&settings, &mut report)?;
    match HickoryResolver::asking(&settings.dns.servers, settings.limits.dns_time) {
        Ok(resolver) => outside(&settings, &Arc::new(resolver), &mut report).await?,
        Err(fault) => report.found("dns.servers", &fault, "Name some here, or mend /etc/resolv.conf.")?,
    }
    report.end(file)
}

/// What was found, line by line.
struct Report<'a, W> {
    out: &'a mut W,
    faults: usize,
}

impl<W: Write> Report<'_, W> {
    fn fine(&mut self, what: &dyn Display, how: &str) -> io::Result<()> {
        writeln!(self.out, "ok     {what} {how}")
    }

    /// Neither fine nor faulty.
    fn untried(&mut self, what: &dyn Display, why: &str) -> io::Result<()> {
        writeln!(self.out, "-      {what} {why}")
    }

    fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        self.faults += 1;
        writeln!(self.out, "FAULT  {fault}")
    }

    fn found(&mut self, key: &str, problem: &dyn Display, remedy: &str) -> io::Result<()> {
        self.fault(&Fault { key: key.to_owned(), problem: problem.to_string(), remedy: remedy.to_owned() })
    }

    fn end(self, file: &Path) -> anyhow::Result<()> {
        match self.faults {
            0 => Ok(()),
            1 => bail!("one fault in {}", file.display()),
            faults => bail!("{faults} faults in {}", file.display()),
        }
    }
}

fn certificate(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let server = &settings.server;
    match ServerTls::load(&server.certificate, &server.key, &[]) {
        Ok(tls) => {
            let portal = authority_host(&settings.web.public_url);
            let hostname = server.hostname.to_string();
            let mut names = vec![hostname.as_str(), portal];
            names.dedup();
            let objections = tls.objections(&names, SystemClock.now());
            if objections.is_empty() {
                return report.fine(&server.certificate.display(), "and its key can be served");
            }
            report.found(
                "server.certificate",
                &format!("{}: {}", server.certificate.display(), objections.join("; ")),
                "Have one made for server.hostname and for the host of web.public_url, and renewed in time.",
            )
        }
        Err(fault) => report.found(
            "server.certificate",
            &fault,
            "Give a PEM file with the certificate and those of its issuers, and the key that belongs to it.",
        ),
    }
}

/// The host of an `https://` address, without the port.
fn authority_host(url: &str) -> &str {
    let authority = url.strip_prefix("https://").unwrap_or(url);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

fn state(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let directory = &settings.storage.directory;
    match try_to_write(directory) {
        Ok(()) => report.fine(&directory.display(), "can be written"),
        Err(fault) => report.found(
            "storage.directory",
            &format!("{} cannot be written: {fault}", directory.display()),
            "Make it and give it to the user that the service runs as.",
        ),
    }
}

/// Tries it where the directory is, or will be made. Leaves nothing behind: what a check by root made, the service could
/// not use.
fn try_to_write(directory: &Path) -> io::Result<()> {
    let there = directory.ancestors().find(|folder| folder.exists()).unwrap_or(directory);
    let probe = there.join(".postern-check");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn templates(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let Some(folder) = &settings.templates else { return Ok(()) };
    let shelf = Shelf::new(Templates::built_in());
    let read = Folder::new(folder.clone()).refresh(&shelf);
    let language = settings.organisation.language;
    if !shelf.current().languages().contains(&language) {
        let problem = format!("there are no texts in “{language}”");
        let remedy = format!("Put them into {}/{language}, or choose another.", folder.display());
        report.found("organisation.language", &problem, &remedy)?;
    }
    match read {
        Ok(faults) if faults.is_empty() => report.fine(&folder.display(), "has no faulty template"),
        Ok(faults) => faults.iter().try_for_each(|fault| {
            report.found("templates.directory", fault, "Mend the file; until then the built-in text is used.")
        }),
        Err(fault) => report.found(
            "templates.directory",
            &format!("{} cannot be read: {fault}", folder.display()),
            "Give the service's user leave to read it.",
        ),
    }
}

/// Tries to bind, unless a daemon runs and holds the addresses.
async fn listeners(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    if matches!(Client::connect(&settings.storage.directory).await, Ok(Some(_))) {
        return report.fine(&"the service", "runs and holds its listeners");
    }
    let mail = settings.listeners.iter().map(|listener| ("listener.address", listener.address));
    for (key, address) in mail.chain([("web.address", settings.web.address)]) {
        match std::net::TcpListener::bind(address) {
            Ok(_) => report.fine(&address, "can be listened on")?,
            // ip(7): such a port is for root, or for who has the capability, as the service has.
            Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied && address.port() < 1024 => {
                report.untried(&address, "is for the service to listen on; this user may not try it")?;
            }
            Err(fault) => report.found(
                key,
                &format!("{address} cannot be listened on: {fault}"),
                "Choose an address of this machine that nothing else listens on.",
            )?,
        }
    }
    Ok(())
}

/// What administrators have set in place of what the file says. Only the service can say: it holds the store.
async fn switches(settings: &Settings, report: &mut Report<'_, impl Write>) -> io::Result<()> {
    let Ok(Some(client)) = Client::connect(&settings.storage.directory).await else {
        return Ok(());
    };
    let lines: Vec<SwitchLine> = match client.ask(Method::GET, "/switches", &()).await {
        Ok(lines) => lines,
        Err(fault) => return report.untried(&"the switches", &format!("are not known: {fault}")),
    };
    let set: Vec<_> = lines.iter().filter(|line| line.set.is_some()).collect();
    if set.is_empty() {
        return report.fine(&"the switches", "are as the file says");
    }
    set.into_iter().try_for_each(|line| report.untried(&line.key, &format!("is {}", switch::standing(line))))
}

/// What others must say before mail arrives: the DNS and the next hop.
async fn outside(
    settings: &Settings,
    resolver: &Arc<HickoryResolver>,
    report: &mut Report<'_, impl Write>,
) -> io::Result<()> {
    dkim::keys(settings, resolver.as_ref(), report).await?;
    smarthosts(settings, resolver, report).await
}

async fn smarthosts(
    settings: &Settings,
    resolver: &Arc<HickoryResolver>,
    report: &mut Report<'_, impl Write>,
) -> io::Result<()> {
    let everybodys = match &settings.relay.route {
        Route::Smarthosts(hosts) => hosts.as_slice(),
        Route::Mx => &[],
    };
    let routes = settings.relay.routes.iter().map(|route| ("relay.route", &route.host));
    let hosts: Vec<_> = everybodys.iter().map(|host| ("relay.smarthost", host)).chain(routes).collect();
    if hosts.is_empty() {
        return Ok(());
    }
    let tls = match ClientTls::load(settings.relay.trust.as_deref()) {
        Ok(tls) => tls,
        Err(fault) => {
            return report.found("relay.trust", &fault, "Give a PEM file with the authorities to trust.");
        }
    };
    let resolver = || Arc::clone(resolver) as Arc<dyn Resolver>;
    for (key, host) in hosts {
        let name = format!("{}:{}", host.host, host.port);
        match relay::probe(host, &settings.relay, &settings.server, tls.clone(), resolver()).await {
            Ok(()) => report.fine(&name, "takes our mail")?,
            Err(fault) => report.found(
                key,
                &format!("{name}: {fault}"),
                "Check host, port, tls and login, and the firewall between.",
            )?,
        }
    }
    Ok(())
}
