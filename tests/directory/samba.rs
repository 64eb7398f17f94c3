//! A real domain controller, by Samba, with a small organisation in it.

use std::fmt::Write;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern::config::Directory;
use tempfile::TempDir;

use crate::harness::authority::Authority;
use crate::service::{Service, all_installed, installed, run, settings};

/// Of everybody but Zoë. Of three kinds of characters, as the domain wants it.
pub const PASSWORD: &str = "A heron at the mill pond 7";
/// Zoë's.
pub const ZOES_PASSWORD: &str = "Pässwörd-Ж in the mill 7";
const ADMINISTRATORS_PASSWORD: &str = "Opens-the-sluice-7";
const SERVICE_PASSWORD: &str = "Searches-only-7";

const BASE: &str = "DC=corp,DC=example";

/// The controller, its data and its certificate.
pub struct Samba {
    folder: TempDir,
    address: IpAddr,
    service: Option<Service>,
}

impl Samba {
    /// A domain with people and groups; `None`, and a word about it, where that is not possible.
    pub fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped, because only root may start a domain controller");
            return None;
        }
        if !all_installed(&["samba", "samba-tool", "ldapmodify"]) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let address = free_address();
        let authority = Authority::new();
        let credential = authority.credential(&[&address.to_string(), "dc1.corp.example"]);
        for (name, text) in [
            ("ca.pem", authority.certificate()),
            ("server.pem", &credential.certificate),
            ("server.key", &credential.key),
            ("service-password", SERVICE_PASSWORD),
        ] {
            fs::write(path(name), text).unwrap();
        }
        fs::set_permissions(path("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let target = path("state");
        run(Command::new(installed("samba-tool").unwrap())
            .args(["domain", "provision", "--realm=CORP.EXAMPLE", "--domain=CORP", "--server-role=dc"])
            .args(["--dns-backend=NONE", "--host-name=dc1"])
            .arg(format!("--host-ip={address}"))
            .arg(format!("--adminpass={ADMINISTRATORS_PASSWORD}"))
            .arg(format!("--targetdir={}", target.display())));
        for (name, mode) in [("run", 0o755), ("ncalrpc", 0o755), ("winbindd", 0o750), ("ntp", 0o750)] {
            fs::create_dir_all(target.join(name)).unwrap();
            fs::set_permissions(target.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::write(path("smb.conf"), configuration(folder.path(), address)).unwrap();
        let mut command = Command::new(installed("samba").unwrap());
        command
            .args(["-F", "-M", "single", "--no-process-group", "--debug-stdout", "-s"])
            .arg(path("smb.conf"));
        let listens = [389, 636].map(|port| SocketAddr::new(address, port));
        let service = Service::start(&mut command, &path("samba.log"), &listens);
        let samba = Self { folder, address, service: Some(service) };
        samba.modify(&organisation());
        Some(samba)
    }

    /// Its address for TLS from the first octet.
    pub fn tls_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// Its address for StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Takes the controller away.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Where the files beside the controller's are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `[directory]` with these servers, and what else is to differ, read.
    pub fn settings(&self, urls: &[&str], more: &str) -> Directory {
        settings(self.folder(), &Self::section(urls, more))
    }

    /// The same as it is written.
    pub fn section(urls: &[&str], more: &str) -> String {
        format!(
            r#"
            [directory]
            kind = "active-directory"
            urls = {urls:?}
            trust = "ca.pem"
            bind_dn = "postern@corp.example"
            bind_password_file = "service-password"
            base = "{BASE}"
            cache = "0 seconds"
            {more}
            [directory.groups]
            invite = ["cn=inviters,cn=users,dc=corp,dc=example"]
            admin = ["CN=Gate Keepers,CN=Users,{BASE}"]
            "#
        )
    }

    /// Changes entries, as the domain's administrator (ldapmodify(1)).
    pub fn modify(&self, changes: &str) {
        let file = self.folder.path().join("changes.ldif");
        fs::write(&file, changes).unwrap();
        run(Command::new(installed("ldapmodify").unwrap())
            .args(["-x", "-H", &self.tls_url(), "-D", "Administrator@corp.example"])
            .args(["-w", ADMINISTRATORS_PASSWORD, "-f"])
            .arg(file)
            // OpenLDAP's tools refuse certificates that last for ever; ours is on trial, not they.
            .env("LDAPTLS_REQCERT", "never"));
    }
}

/// A loopback address on which nobody uses the ports of a domain controller, which are not to choose.
fn free_address() -> IpAddr {
    (2..250)
        .map(|last| IpAddr::from([127, 0, 77, last]))
        .find(|&address| {
            [389, 636, 3268, 3269].iter().all(|&port| TcpListener::bind((address, port)).is_ok())
        })
        .expect("a free loopback address")
}

/// smb.conf(5). Only LDAP is served.
fn configuration(folder: &Path, address: IpAddr) -> String {
    let folder = folder.display();
    format!(
        "[global]\n\
         netbios name = DC1\n\
         realm = CORP.EXAMPLE\n\
         workgroup = CORP\n\
         server role = active directory domain controller\n\
         server services = ldap\n\
         interfaces = {address}/8\n\
         bind interfaces only = yes\n\
         lock directory = {folder}/state\n\
         state directory = {folder}/state/state\n\
         cache directory = {folder}/state/cache\n\
         private dir = {folder}/state/private\n\
         binddns dir = {folder}/state/bind-dns\n\
         pid directory = {folder}/state/run\n\
         ncalrpc dir = {folder}/state/ncalrpc\n\
         winbindd socket directory = {folder}/state/winbindd\n\
         ntp signd socket directory = {folder}/state/ntp\n\
         tls enabled = yes\n\
         tls certfile = {folder}/server.pem\n\
         tls keyfile = {folder}/server.key\n\
         tls cafile = {folder}/ca.pem\n"
    )
}

fn organisation() -> String {
    let mut ldif = String::new();
    for (cn, name, more) in [
        // First, for he is Ann's superior.
        ("Ben Baker", "ben", "mail: ben@corp.example\n"),
        (
            "Ann Archer",
            "ann",
            "mail: ann@corp.example\nproxyAddresses: SMTP:ann@corp.example\nproxyAddresses: smtp:press@corp.example\nproxyAddresses: X400:c=XX;p=Corp;s=Archer;\nmanager: CN=Ben Baker,CN=Users,DC=corp,DC=example\n",
        ),
        ("Cleo Closed", "cleo", "mail: cleo@corp.example\n"),
        ("Emil Early", "emil", "mail: emil@corp.example\npwdLastSet: 0\n"),
        // The last day was in 2020.
        ("Flora Former", "flora", "mail: flora@corp.example\naccountExpires: 132223104000000000\n"),
        ("O'Neil\\, Gus (IT)*", "gus", "mail: gus@corp.example\n"),
        ("Hugo Hasty", "hugo", "mail: hugo@corp.example\n"),
        ("Zoe", "zoe", "mail: zoe@corp.example\n"),
        ("No Mail", "nomail", ""),
        ("Postern", "postern", ""),
    ] {
        let control = if name == "cleo" { 514 } else { 512 };
        let password = match name {
            "zoe" => ZOES_PASSWORD,
            "postern" => SERVICE_PASSWORD,
            _ => PASSWORD,
        };
        // [MS-ADTS] §3.1.1.3.1.5.1: in quotes, as UTF-16, least octet first.
        let quoted: Vec<u8> = format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        // A user principal name need not be made of the login name.
        let principal =
            if name == "ben" { "bb@mail.corp.example".to_owned() } else { format!("{name}@corp.example") };
        write!(
            ldif,
            "dn: CN={cn},CN=Users,{BASE}\nchangetype: add\nobjectClass: user\nsAMAccountName: {name}\n\
             userPrincipalName: {principal}\ndisplayName: {name}\nunicodePwd:: {}\nuserAccountControl: {control}\n{more}\n",
            STANDARD.encode(quoted)
        )
        .unwrap();
    }
    for (group, members) in [
        ("Team", &["CN=Ben Baker"][..]),
        ("Department", &["CN=Team"]),
        ("Inviters", &["CN=Ann Archer", "CN=Department", "CN=Cleo Closed", "CN=Flora Former", "CN=Zoe"]),
        ("Gate Keepers", &["CN=Ann Archer"]),
    ] {
        write!(
            ldif,
            "dn: CN={group},CN=Users,{BASE}\nchangetype: add\nobjectClass: group\nsAMAccountName: {group}\n"
        )
        .unwrap();
        for member in members {
            writeln!(ldif, "member: {member},CN=Users,{BASE}").unwrap();
        }
        ldif.push('\n');
    }
    // Ann writes for Ben; three wrong passwords lock an account.
    write!(
        ldif,
        "dn: CN=Ben Baker,CN=Users,{BASE}\nchangetype: modify\nadd: secretary\n\
         secretary: CN=Ann Archer,CN=Users,{BASE}\n\n\
         dn: {BASE}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 3\n\n"
    )
    .unwrap();
    ldif
}
