//! A next hop that says what a test tells it to, and keeps what it takes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::WAIT;
use crate::net::stream::Stream;
use crate::net::tls::ServerTls;

/// What the sink does about a line. `None` from a script is the usual answer.
pub enum Answer {
    Say(&'static str),
    /// Closes without a word.
    Close,
    /// Answers, takes one line more, and closes.
    SayAndClose(&'static str),
    /// Never answers.
    Hang,
}

/// Sees each line, and `greeting` and `.`; with the number of the connection, counted from one.
pub type Script = Box<dyn FnMut(&str, usize) -> Option<Answer> + Send>;

/// A message that was answered with 250.
#[derive(Clone, Debug)]
pub struct Taken {
    pub mail: String,
    pub rcpt: Vec<String>,
    /// Dots unstuffed.
    pub data: Vec<u8>,
    pub connection: usize,
}

pub struct Sink {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    script: Mutex<Script>,
    tls: Option<ServerTls>,
    heard: Mutex<Vec<String>>,
    taken: Mutex<Vec<Taken>>,
    connections: Mutex<usize>,
    changed: Notify,
}

pub const EHLO: &str = "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250 SIZE 100000";

impl Sink {
    pub async fn new(script: impl FnMut(&str, usize) -> Option<Answer> + Send + 'static) -> Self {
        Self::with_tls(None, script).await
    }

    pub async fn with_tls(
        tls: Option<ServerTls>,
        script: impl FnMut(&str, usize) -> Option<Answer> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Mutex::new(Box::new(script)),
            tls,
            heard: Mutex::default(),
            taken: Mutex::default(),
            connections: Mutex::default(),
            changed: Notify::new(),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tcp.set_nodelay(true).unwrap();
                tokio::spawn(Arc::clone(&serving).serve(tcp));
            }
        });
        Self { address, state }
    }

    /// Waits until so many messages were taken.
    pub async fn taken(&self, count: usize) -> Vec<Taken> {
        self.until(|| self.state.taken.lock().unwrap().len() >= count).await;
        self.state.taken.lock().unwrap().clone()
    }

    /// Waits until a line was heard so many times.
    pub async fn heard(&self, line: &str, times: usize) {
        let count =
            || self.state.heard.lock().unwrap().iter().filter(|heard| heard.starts_with(line)).count();
        self.until(|| count() >= times).await;
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.state.heard.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }

    async fn until(&self, happened: impl Fn() -> bool) {
        let waiting = async {
            loop {
                let changed = self.state.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if happened() {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(WAIT, waiting)
            .await
            .unwrap_or_else(|_| panic!("heard only {:#?}", self.lines()));
    }
}

impl State {
    async fn serve(self: Arc<Self>, tcp: TcpStream) {
        let connection = {
            let mut connections = self.connections.lock().unwrap();
            *connections += 1;
            *connections
        };
        let mut stream = BufReader::new(Stream::Plain(tcp));
        let (mut mail, mut rcpt) = (String::new(), Vec::new());
        let mut line = "greeting".to_owned();
        loop {
            let usual = match line.split([' ', ':']).next().unwrap() {
                "greeting" => "220 sink.example",
                "EHLO" => EHLO,
                "DATA" => "354 go ahead",
                "STARTTLS" => "220 2.0.0 go ahead",
                "QUIT" => "221 2.0.0 bye",
                "RCPT" if mail.is_empty() => "503 5.5.1 MAIL first",
                _ => "250 2.0.0 fine",
            };
            let scripted = (self.script.lock().unwrap())(&line, connection);
            let (answer, closes) = match scripted {
                None => (usual, false),
                Some(Answer::Say(words)) => (words, false),
                Some(Answer::SayAndClose(words)) => (words, true),
                Some(Answer::Close) => return,
                Some(Answer::Hang) => std::future::pending().await,
            };
            if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
            stream.flush().await.unwrap();
            if closes {
                let _ = stream.read_line(&mut String::new()).await;
                return;
            }
            let is_taken = answer.starts_with("250");
            match line.as_str() {
                "QUIT" => return,
                "STARTTLS" if answer.starts_with("220") => {
                    let (Stream::Plain(tcp), Some(tls)) = (stream.into_inner(), &self.tls) else { panic!() };
                    let Ok(tls) = tls.accept(tcp, WAIT).await else { return };
                    stream = BufReader::new(tls);
                }
                "DATA" if answer.starts_with("354") => {
                    let Some(data) = data(&mut stream).await else { return };
                    line = ".".to_owned();
                    self.note(&line);
                    let scripted = (self.script.lock().unwrap())(&line, connection);
                    let answer = match scripted {
                        None if rcpt.is_empty() => "554 5.5.1 no valid recipients",
                        None => "250 2.0.0 kept",
                        Some(Answer::Say(words)) => words,
                        Some(_) => return,
                    };
                    let (mail, rcpt) = (std::mem::take(&mut mail), std::mem::take(&mut rcpt));
                    let taken = Taken { mail, rcpt, data, connection };
                    if answer.starts_with("250") {
                        self.taken.lock().unwrap().push(taken);
                    }
                    stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    self.changed.notify_waiters();
                }
                command if command.starts_with("MAIL") && is_taken => mail = command.to_owned(),
                command if command.starts_with("RCPT") && is_taken => rcpt.push(command.to_owned()),
                "RSET" => {
                    mail.clear();
                    rcpt.clear();
                }
                _ => {}
            }
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            assert!(line.ends_with("\r\n"), "{line:?}");
            line.truncate(line.len() - 2);
            self.note(&line);
        }
    }

    fn note(&self, line: &str) {
        self.heard.lock().unwrap().push(line.to_owned());
        self.changed.notify_waiters();
    }
}

async fn data(stream: &mut BufReader<Stream>) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        if line == b".\r\n" {
            return Some(data);
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
