//! A real OpenLDAP server with a small organisation in it.

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use postern::config::Directory;
use tempfile::TempDir;

use crate::harness::authority::{Authority, Credential};
use crate::service::{Service, all_installed, free_port, installed, run, settings};

/// Of everybody in the directory but Zoë.
pub const PASSWORD: &str = "a heron at the mill pond";
/// Zoë's.
pub const ZOES_PASSWORD: &str = "pässwörd-Ж in the mill";
/// Our own, for searching.
const SERVICE_PASSWORD: &str = "searches only";

const BASE: &str = "dc=corp,dc=example";
/// In the server's certificate.
const NAMES: [&str; 2] = ["localhost", "ldap.corp.example"];
const DAY: Duration = Duration::from_hours(24);

/// The server, its data and its certificate.
pub struct Slapd {
    folder: TempDir,
    authority: Authority,
    port: u16,
    tls_port: u16,
    service: Option<Service>,
}

impl Slapd {
    /// A server with people and groups; `None`, and a word about it, where slapd is not installed.
    pub fn start() -> Option<Self> {
        if !all_installed(&["slapd", "slapadd", "ldapmodify"]) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        for (name, text) in [
            ("ca.pem", authority.certificate()),
            ("service-password", SERVICE_PASSWORD),
            ("slapd.conf", &configuration(folder.path())),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("db")).unwrap();
        let mut slapd = Self { folder, authority, port: free_port(), tls_port: free_port(), service: None };
        slapd.load(&organisation());
        slapd.has_certificate(&slapd.authority.credential(&NAMES));
        slapd.go();
        Some(slapd)
    }

    /// Starts the server, on what it had.
    pub fn go(&mut self) {
        let urls = format!(
            "ldap://127.0.0.1:{} ldaps://127.0.0.1:{} {}",
            self.port,
            self.tls_port,
            self.local_url()
        );
        let mut command = Command::new(installed("slapd").unwrap());
        // -d keeps it in the foreground; level 0 keeps it silent.
        command.args(["-d", "0", "-h", &urls, "-f"]).arg(self.path("slapd.conf"));
        let listens = [self.port, self.tls_port].map(|port| ([127, 0, 0, 1], port).into());
        self.service = Some(Service::start(&mut command, &self.path("slapd.log"), &listens));
    }

    /// Starts the server anew with a certificate whose last day was yesterday.
    pub fn show_expired_certificate(&mut self) {
        self.show_certificate_until(SystemTime::now() - DAY);
    }

    /// Starts the server anew with a certificate that counts until then.
    pub fn show_certificate_until(&mut self, end: SystemTime) {
        self.stop();
        self.has_certificate(&self.authority.credential_until(&NAMES, end));
        self.go();
    }

    fn has_certificate(&self, credential: &Credential) {
        fs::write(self.path("server.pem"), &credential.certificate).unwrap();
        fs::write(self.path("server.key"), &credential.key).unwrap();
    }

    /// Takes the server away, as a power cut does.
    pub fn stop(&mut self) {
        self.service = None;
    }

    /// Where the server listens for StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    /// Where the server listens for TLS from the first octet.
    pub fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// A socket for its administrator.
    fn local_url(&self) -> String {
        format!("ldapi://{}", self.path("ldapi").display().to_string().replace('/', "%2F"))
    }

    /// `[directory]` with these servers, and what else is to differ.
    pub fn section(urls: &[&str], more: &str) -> String {
        format!(
            r#"
            [directory]
            kind = "openldap"
            urls = {urls:?}
            trust = "ca.pem"
            bind_dn = "cn=postern,ou=services,{BASE}"
            bind_password_file = "service-password"
            base = "ou=people,{BASE}"
            group_base = "ou=groups,{BASE}"
            retreat = "10 ms"
            {more}
            [directory.groups]
            invite = ["cn=inviters, ou=groups, {BASE}"]
            admin = ["cn=admins,ou=groups,{BASE}"]
            "#
        )
    }

    /// The same, read.
    pub fn settings(&self, urls: &[&str], more: &str) -> Directory {
        self.read(&Self::section(urls, more))
    }

    /// A section, read.
    pub fn read(&self, section: &str) -> Directory {
        settings(self.folder.path(), section)
    }

    /// Two people who answer to one name and one address.
    pub fn add_twins(&self) {
        for twin in ["twin1", "twin2"] {
            self.modify(&format!(
                "dn: uid={twin},ou=people,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {twin}\nuid: twin\n\
                 cn: {twin}\nsn: x\nmail: twin@corp.example\nuserPassword: {PASSWORD}\n"
            ));
        }
    }

    /// Changes entries while the server runs (ldapmodify(1)).
    pub fn modify(&self, changes: &str) {
        let mut child = Command::new(installed("ldapmodify").unwrap())
            .args(["-x", "-H", &self.local_url(), "-D", &format!("cn=admin,{BASE}"), "-w", "admin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(changes.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{changes}");
    }

    /// A file beside the server's.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, ldif: &str) {
        fs::write(self.path("organisation.ldif"), ldif).unwrap();
        let mut command = Command::new(installed("slapadd").unwrap());
        run(command
            .args(["-q", "-f"])
            .arg(self.path("slapd.conf"))
            .arg("-l")
            .arg(self.path("organisation.ldif")));
    }
}

/// slapd.conf(5). Passwords are for signing in only, and nobody but our service may search.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         moduleload ppolicy\n\
         TLSCertificateFile {folder}/server.pem\n\
         TLSCertificateKeyFile {folder}/server.key\n\
         security simple_bind=128\n\
         localSSF 128\n\
         database mdb\n\
         suffix \"{BASE}\"\n\
         rootdn \"cn=admin,{BASE}\"\n\
         rootpw admin\n\
         directory {folder}/db\n\
         maxsize 67108864\n\
         index objectClass,uid,mail,member eq\n\
         overlay ppolicy\n\
         ppolicy_default \"cn=default,ou=policies,{BASE}\"\n\
         access to attrs=userPassword by self =xw by anonymous auth by * none\n\
         access to * by dn.exact=\"cn=postern,ou=services,{BASE}\" read by * none\n"
    )
}

fn organisation() -> String {
    let mut ldif =
        format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Corp\ndc: corp\n\n");
    for unit in ["people", "groups", "services", "policies"] {
        write!(ldif, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n").unwrap();
    }
    write!(
        ldif,
        "dn: cn=default,ou=policies,{BASE}\nobjectClass: applicationProcess\nobjectClass: pwdPolicy\ncn: default\n\
         pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 3\npwdMustChange: TRUE\n\n\
         dn: cn=ageing,ou=policies,{BASE}\nobjectClass: applicationProcess\nobjectClass: pwdPolicy\ncn: ageing\n\
         pwdAttribute: userPassword\npwdMaxAge: 86400\n\n\
         dn: cn=postern,ou=services,{BASE}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n\
         cn: postern\nuserPassword: {SERVICE_PASSWORD}\n\n"
    )
    .unwrap();
    for (entry, uid, name, mail, more) in [
        (
            "uid=dora",
            "dora",
            "Dora Dale",
            &["dora@corp.example", "d.dale@corp.example"][..],
            "manager: uid=erik,ou=people,dc=corp,dc=example\n",
        ),
        ("uid=erik", "erik", "Erik Ek", &["erik@corp.example"], ""),
        ("uid=fred", "fred", "Fred Ford", &["fred@corp.example"], ""),
        ("cn=O'Neil\\, Gus (IT)*", "gus(it)", "O'Neil, Gus (IT)*", &["gus.o'neil@corp.example"], ""),
        ("uid=zoe", "zoe", "Zoë Müller-Łukasz", &["zoe@corp.example"], ""),
        (
            "uid=locked",
            "locked",
            "Lou Locked",
            &["locked@corp.example"],
            "pwdAccountLockedTime: 000001010000Z\n",
        ),
        ("uid=must", "must", "Mia Must", &["must@corp.example"], "pwdReset: TRUE\n"),
        (
            "uid=faded",
            "faded",
            "Fay Faded",
            &["faded@corp.example"],
            "pwdChangedTime: 20200101000000Z\npwdPolicySubentry: cn=ageing,ou=policies,dc=corp,dc=example\n",
        ),
        ("uid=leon", "leon", "Leon Left", &["leon@corp.example"], "employeeType: left\n"),
        (
            "uid=office",
            "office",
            "The Office",
            &["office@corp.example"],
            "secretary: UID=fred, OU=people,dc=corp,dc=example\n",
        ),
        ("uid=outside", "outside", "Olga Outside", &["olga@else.example"], ""),
        ("uid=alice", "alice", "Another Alice", &["alice@corp.example"], ""),
        ("uid=bruno", "bruno", "Bruno Both", &["bruno@corp.example", "bob@corp.example"], ""),
    ] {
        let cn_line = if entry.starts_with("cn=") { String::new() } else { "cn: x\n".to_owned() };
        let mails = mail.iter().fold(String::new(), |lines, mail| lines + "mail: " + mail + "\n");
        let password = if uid == "zoe" { ZOES_PASSWORD } else { PASSWORD };
        write!(
            ldif,
            "dn: {entry},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\n{cn_line}cn: {name}\nsn: x\n\
             displayName: {name}\n{mails}userPassword: {password}\n{more}\n"
        )
        .unwrap();
    }
    // Fred is in the department, which is in the house, which may invite; admins and hosts are in a circle.
    for (group, members) in [
        ("inviters", &["uid=dora,ou=people", "cn=O'Neil\\, Gus (IT)*,ou=people", "cn=house,ou=groups"][..]),
        ("house", &["cn=department,ou=groups"]),
        ("department", &["uid=fred,ou=people", "uid=zoe,ou=people"]),
        ("admins", &["uid=dora,ou=people", "cn=hosts,ou=groups"]),
        ("hosts", &["cn=admins,ou=groups"]),
    ] {
        write!(ldif, "dn: cn={group},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {group}\n").unwrap();
        for member in members {
            writeln!(ldif, "member: {member},{BASE}").unwrap();
        }
        ldif.push('\n');
    }
    ldif
}
