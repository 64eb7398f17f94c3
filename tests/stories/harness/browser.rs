//! A browser without pictures: cookies, forms, redirects, and the header fields by which a server tells a page of its
//! own from a stranger's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use lol_html::html_content::TextType;
use lol_html::{RewriteStrSettings, doc_text, element, rewrite_str};
use rustls::ClientConfig;
use tokio::net::TcpStream;

use crate::harness::wire::{PATIENCE, Wire, patiently};

/// How a form without files travels (WHATWG URL §5.1).
const ENCODED: &str = "application/x-www-form-urlencoded";

/// Between two looks at a page that is to change.
const LOOKS_APART: Duration = Duration::from_millis(5);

/// One person's browser. It reaches one site, wherever that listens.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    /// `https://postern.corp.example`
    origin: String,
    cookies: BTreeMap<String, String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it was found, on the site.
    pub path: String,
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A form, filled in as the page had it.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// A browser that has never been anywhere.
    pub fn new(address: SocketAddr, tls: Arc<ClientConfig>, origin: &str) -> Self {
        Self { address, tls, origin: origin.to_owned(), cookies: BTreeMap::new() }
    }

    /// Looks at a page. Redirects are not followed.
    pub async fn get(&mut self, url: &str) -> Page {
        self.request("GET", url, &[], None).await
    }

    /// Looks at a page until it says these words. Fails the story with what it says instead.
    pub async fn until_it_says(&mut self, url: &str, words: &str) {
        let mut seen = String::new();
        let says = async {
            loop {
                seen = self.get(url).await.assert(200).words();
                if seen.contains(words) {
                    return;
                }
                tokio::time::sleep(LOOKS_APART).await;
            }
        };
        let said = tokio::time::timeout(PATIENCE, says).await;
        assert!(said.is_ok(), "{url} never says “{words}”, but: {seen}");
    }

    /// Asks about a page.
    pub async fn head(&mut self, url: &str) -> Page {
        self.request("HEAD", url, &[], None).await
    }

    /// Presses the button of a form on one of the site's pages.
    pub async fn submit(&mut self, form: &Form) -> Page {
        let origin = self.origin.clone();
        let headers = [("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
        self.request("POST", &form.action, &headers, Some((ENCODED, &form.encoded()))).await
    }

    /// As [`Browser::submit`], with a file chosen in one of the fields (RFC 7578).
    pub async fn submit_with_file(&mut self, form: &Form, field: &str, name: &str, text: &str) -> Page {
        let origin = self.origin.clone();
        let headers = [("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
        let typed = form.fields.iter().filter(|(other, _)| other != field);
        let mut parts: Vec<String> = typed
            .map(|(name, value)| {
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            })
            .collect();
        parts.push(format!(
            "--b\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n{text}\r\n--b--\r\n"
        ));
        let body = ("multipart/form-data; boundary=b", &*parts.concat());
        self.request("POST", &form.action, &headers, Some(body)).await
    }

    /// As [`Browser::submit`], from a page of somebody else's.
    pub async fn submit_from(&mut self, origin: &str, form: &Form) -> Page {
        let headers = [("Origin", origin), ("Sec-Fetch-Site", "cross-site")];
        self.request("POST", &form.action, &headers, Some((ENCODED, &form.encoded()))).await
    }

    /// Follows a redirect, as often as the server redirects, at most five times.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(location) = page.header("location").filter(|_| (300..400).contains(&page.status)) else {
                return page;
            };
            let location = location.to_owned();
            page = self.get(&location).await;
        }
        panic!("redirected for ever");
    }

    /// The same browser, after the site has moved to another port.
    pub fn moved_to(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    async fn request(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<(&str, &str)>,
    ) -> Page {
        let target = url.strip_prefix(&self.origin).unwrap_or(url);
        assert!(target.starts_with('/'), "{url} is not on {}", self.origin);
        let host = self.origin.trim_start_matches("https://").to_owned();
        let mut lines = vec![
            format!("{method} {target} HTTP/1.1"),
            format!("Host: {host}"),
            // One request, one connection: nothing to keep track of.
            "Connection: close".to_owned(),
        ];
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            lines.push(format!("Cookie: {}", cookies.join("; ")));
        }
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        if let Some((kind, body)) = body {
            lines.push(format!("Content-Type: {kind}"));
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let body = body.map(|(_, body)| body).unwrap_or_default();
        let request = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
        let stream = patiently(TcpStream::connect(self.address)).await.unwrap();
        let name = host.split(':').next().unwrap_or_default();
        let mut wire = Wire::over(stream).into_client_tls(Arc::clone(&self.tls), name).await.unwrap();
        wire.send(request).await.unwrap();
        let page = read(&mut wire, target, method == "HEAD").await;
        self.remember(&page);
        page
    }

    /// Takes the cookies of an answer. Only those are taken that a browser would, and that are safe (RFC 6265 §5.4).
    fn remember(&mut self, page: &Page) {
        for (_, cookie) in page.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut attributes = cookie.split(';').map(str::trim);
            let (name, value) = attributes.next().and_then(|pair| pair.split_once('=')).expect("name=value");
            let attributes: Vec<String> = attributes.map(str::to_ascii_lowercase).collect();
            for needed in ["secure", "httponly", "path=/", "samesite=lax"] {
                assert!(attributes.iter().any(|it| it == needed), "{needed} is missing in {cookie}");
            }
            // RFC 6265bis §4.1.3.2: the prefix binds the cookie to this very host.
            assert!(
                name.starts_with("__Host-") && !cookie.to_ascii_lowercase().contains("domain="),
                "{cookie}"
            );
            if attributes.iter().any(|it| it == "max-age=0") || value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// Fails the story unless the page has this status.
    #[track_caller]
    pub fn assert(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}, saw {}: {}", self.status, self.words());
        self
    }

    /// Fails the story unless a reader sees these words.
    #[track_caller]
    pub fn assert_says(self, words: &str) -> Self {
        let seen = self.words();
        assert!(seen.contains(words), "expected “{words}” in: {seen}");
        self
    }

    /// The first header field of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// What a reader sees, white space folded.
    pub fn words(&self) -> String {
        let seen = Rc::new(RefCell::new(String::new()));
        let settings = RewriteStrSettings::new().append_document_content_handler(doc_text!(|it| {
            if it.text_type() == TextType::Data {
                seen.borrow_mut().push_str(it.as_str());
                if it.last_in_text_node() {
                    seen.borrow_mut().push(' ');
                }
            }
            Ok(())
        }));
        rewrite_str(&self.body, settings).unwrap();
        let seen = unescaped(&seen.borrow());
        seen.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The form that goes to an address with this beginning, as the page has filled it in.
    pub fn form(&self, action: &str) -> Form {
        let form = self.forms().into_iter().find(|form| form.action.starts_with(action));
        form.unwrap_or_else(|| panic!("no form to {action} on: {}", self.words()))
    }

    fn forms(&self) -> Vec<Form> {
        let forms = Rc::new(RefCell::new(Vec::new()));
        let settings = RewriteStrSettings::new()
            .append_element_content_handler(element!("form", |it| {
                // A form without an action goes where its page came from.
                let action =
                    it.get_attribute("action").map_or_else(|| self.path.clone(), |to| unescaped(&to));
                forms.borrow_mut().push(Form { action, fields: Vec::new() });
                Ok(())
            }))
            .append_element_content_handler(element!("form input[name]", |it| {
                let attribute = |name| unescaped(&it.get_attribute(name).unwrap_or_default());
                if let Some(form) = forms.borrow_mut().last_mut() {
                    form.fields.push((attribute("name"), attribute("value")));
                }
                Ok(())
            }));
        rewrite_str(&self.body, settings).unwrap();
        forms.take()
    }
}

impl Form {
    /// Types into a field. The page must have it.
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        let (_, typed) = field.unwrap_or_else(|| panic!("no field “{name}”"));
        value.clone_into(typed);
        self
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn encoded(&self) -> String {
        let pairs = self.fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

async fn read(wire: &mut Wire, path: &str, head_only: bool) -> Page {
    let status_line = wire.line().await.unwrap();
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    let mut headers = Vec::new();
    loop {
        let line = wire.line().await.unwrap();
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut page = Page { path: path.to_owned(), status, headers, body: String::new() };
    let length = page.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let body = if head_only {
        Vec::new()
    } else if page.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        chunks(wire).await
    } else {
        wire.exactly(length.unwrap_or(0)).await.unwrap()
    };
    page.body = String::from_utf8(body).unwrap();
    page
}

/// A body in chunks (RFC 9112 §7.1).
async fn chunks(wire: &mut Wire) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = wire.line().await.unwrap();
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default(), 16).unwrap();
        body.extend(wire.exactly(size).await.unwrap());
        assert_eq!(wire.line().await.unwrap(), "");
        if size == 0 {
            return body;
        }
    }
}

/// Percent-encoding of all but unreserved characters (RFC 3986 §2.3).
fn percent(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(octet).to_string()
            }
            _ => format!("%{octet:02X}"),
        })
        .collect()
}

/// The character references that our pages write.
fn unescaped(text: &str) -> String {
    let references =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    references.iter().fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character))
}
