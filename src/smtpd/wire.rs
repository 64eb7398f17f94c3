//! A connection as the session sees it: lines come in, replies go out, in as few reads and writes as they fit
//! in.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::smtp::line::{LineFault, LineReader};
use crate::smtp::reply::Reply;

/// Room for one read of commands. An idle session owns no more than this.
const COMMAND_ROOM: usize = 1024;
/// Room for the first read of a message; each read that fills its room doubles it.
const DATA_ROOM: usize = 8 * 1024;
/// Room for one read of a long message.
const DATA_ROOM_MAX: usize = 64 * 1024;
/// Replies that are held back while more commands are at hand (RFC 2920 §3.2).
const REPLIES_MAX: usize = 8 * 1024;

/// How long a client may take to end the connection after us.
const LINGER: Duration = Duration::from_secs(1);

/// Both directions of a connection, with what was heard and not yet used, and said and not yet sent.
///
/// Whatever waits here may be dropped and waited for anew: nothing is lost.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    heard: BytesMut,
    said: BytesMut,
    lines: LineReader,
    data_room: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A connection over which nothing was said.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            heard: BytesMut::new(),
            said: BytesMut::new(),
            lines: LineReader::default(),
            data_room: DATA_ROOM,
        }
    }

    /// What was heard and not used.
    pub fn heard(&self) -> &[u8] {
        &self.heard
    }

    /// So many octets of what was heard are used.
    pub fn used(&mut self, octets: usize) {
        self.heard.advance(octets.min(self.heard.len()));
    }

    /// The next line, if the whole of it was heard: see [`LineReader::take`].
    pub fn line(&mut self, octets_max: usize) -> Result<Option<BytesMut>, LineFault> {
        self.lines.take(&mut self.heard, octets_max)
    }

    /// Says it: now, if much waits to be said; else at the latest before the next wait for the client.
    pub async fn say(&mut self, reply: &Reply) -> io::Result<()> {
        reply.write(&mut self.said);
        if self.said.len() > REPLIES_MAX { self.flush().await } else { Ok(()) }
    }

    /// Hears more of commands; `false` when the client is gone.
    pub async fn hear(&mut self) -> io::Result<bool> {
        if self.data_room > DATA_ROOM {
            // A long message has gone through: its room goes too.
            self.heard = BytesMut::from(self.heard());
            self.data_room = DATA_ROOM;
        }
        self.read(COMMAND_ROOM).await.map(|octets| octets > 0)
    }

    /// Hears more of a message; `false` when the client is gone.
    pub async fn hear_data(&mut self) -> io::Result<bool> {
        let octets = self.read(self.data_room).await?;
        if octets >= self.data_room {
            self.data_room = (self.data_room * 2).min(DATA_ROOM_MAX);
        }
        Ok(octets > 0)
    }

    async fn read(&mut self, room: usize) -> io::Result<usize> {
        self.flush().await?;
        self.heard.reserve(room);
        self.stream.read_buf(&mut self.heard).await
    }

    /// Sends all that was said.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.said.is_empty() {
            return Ok(());
        }
        while self.said.has_remaining() {
            if self.stream.write_buf(&mut self.said).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        self.stream.flush().await
    }

    /// Sends all that was said, and the end; then waits a moment for the client's own. A connection that is
    /// closed while octets of the client are unread is reset, and the last words may be lost with it (RFC
    /// 1122 §4.2.2.13).
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await?;
        let mut unread = [0; 512];
        let the_end = async { while self.stream.read(&mut unread).await.is_ok_and(|octets| octets > 0) {} };
        // Nobody minds if the client stays longer: all was said.
        let _ = timeout(LINGER, the_end).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::smtp::reply::EnhancedCode;

    #[tokio::test]
    async fn replies_to_commands_that_came_together_go_together() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut wire = Wire::new(server);
        client.write_all(b"NOOP\r\nNOOP\r\nNO").await.unwrap();
        assert!(wire.hear().await.unwrap());
        while let Ok(Some(_)) = wire.line(100) {
            wire.say(&Reply::new(250, EnhancedCode(2, 0, 0), "Ok")).await.unwrap();
        }
        let mut octets = [0; 100];
        tokio::select! {
            biased;
            read = client.read(&mut octets) => panic!("said too early: {read:?}"),
            () = std::future::ready(()) => {}
        }
        client.write_all(b"OP\r\n").await.unwrap();
        assert!(wire.hear().await.unwrap());
        assert_eq!(client.read(&mut octets).await.unwrap(), 2 * "250 2.0.0 Ok\r\n".len());
        assert_eq!(wire.line(100).unwrap().unwrap(), "NOOP");
    }

    #[tokio::test]
    async fn a_long_message_leaves_no_large_buffer_behind() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(server);
        client.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
        let (mut total, mut most) = (0, 0);
        while total < 1 << 20 {
            assert!(wire.hear_data().await.unwrap());
            (total, most) = (total + wire.heard().len(), most.max(wire.heard().len()));
            wire.used(usize::MAX);
        }
        assert!(most >= DATA_ROOM_MAX);
        client.write_all(b"QUIT\r\n").await.unwrap();
        assert!(wire.hear().await.unwrap());
        assert!(wire.heard.capacity() <= 2 * COMMAND_ROOM);
    }
}
