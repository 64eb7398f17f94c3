//! The header by which a load balancer says for whom a connection is: the PROXY protocol, version 2, in its binary form.
//!
//! ```text
//! signature 12 · version and command 1 · family and protocol 1 · length 2 · addresses · TLVs
//! ```
//! [`Header::read`] is a pure function; [`hear`] takes exactly the header off a connection, and not one octet of what the
//! client says behind it. TLVs are passed over. Version 1, the line of text, is not spoken.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// What every header begins with: no protocol that a client speaks does.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of a header up to its length field.
const HEAD_OCTETS: usize = 16;
/// Octets behind the length field: addresses take 36 at most, the rest is TLVs, of which proxies send some hundred.
const REST_OCTETS_MAX: usize = 2048;

/// For whom a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// For this client.
    Client(SocketAddr),
    /// For the proxy itself, as when it looks whether we are alive (LOCAL).
    Local,
}

impl Header {
    /// Reads a header, head and rest; `None` where it is none, or speaks of something other than TCP over IP.
    #[must_use]
    pub fn read(head: &[u8; HEAD_OCTETS], rest: &[u8]) -> Option<Self> {
        let [signature @ .., command, family, high, low] = head;
        if *signature != SIGNATURE || usize::from(u16::from_be_bytes([*high, *low])) != rest.len() {
            return None;
        }
        match (command, family) {
            (0x20, _) => Some(Self::Local),
            (0x21, 0x11) => {
                let ([client, _server], ports) = addresses::<4>(rest)?;
                Some(Self::Client(SocketAddr::new(Ipv4Addr::from(client).into(), ports)))
            }
            (0x21, 0x21) => {
                let ([client, _server], ports) = addresses::<16>(rest)?;
                let client = IpAddr::from(Ipv6Addr::from(client)).to_canonical();
                Some(Self::Client(SocketAddr::new(client, ports)))
            }
            _ => None,
        }
    }
}

/// Both addresses, and the client's port.
fn addresses<const OCTETS: usize>(rest: &[u8]) -> Option<([[u8; OCTETS]; 2], u16)> {
    let (client, rest) = rest.split_first_chunk()?;
    let (server, rest) = rest.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    // The server's port belongs to the addresses: without it they are not whole.
    let _ = rest.split_first_chunk::<2>()?;
    Some(([*client, *server], u16::from_be_bytes(*port)))
}

/// Hears the header of a connection. How long that may take is for the caller to bound.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where there is no header that can be used; else what the system says.
pub async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Header> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no PROXY header of version 2");
    let mut head = [0; HEAD_OCTETS];
    stream.read_exact(&mut head).await?;
    let [signature @ .., _, _, high, low] = head;
    let len = usize::from(u16::from_be_bytes([high, low]));
    if signature != SIGNATURE || len > REST_OCTETS_MAX {
        return Err(invalid());
    }
    let mut rest = vec![0; len];
    stream.read_exact(&mut rest).await?;
    Header::read(&head, &rest).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &len, rest].concat()
    }

    async fn heard(octets: &[u8]) -> (io::Result<Header>, Vec<u8>) {
        let mut stream = octets;
        (hear(&mut stream).await, stream.to_vec())
    }

    #[tokio::test]
    async fn both_families_are_read_and_nothing_behind_the_header() {
        let v4 = [&[192, 0, 2, 7, 10, 0, 0, 1, 0x1F, 0x90, 0, 25][..], &[4, 0, 1, 0]].concat();
        let (told, left) = heard(&[&header(0x21, 0x11, &v4)[..], b"EHLO a\r\n"].concat()).await;
        assert_eq!(told.unwrap(), Header::Client("192.0.2.7:8080".parse().unwrap()));
        assert_eq!(left, b"EHLO a\r\n");
        let client: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let v6 = [&client.octets()[..], &[0; 16], &[0, 1, 0, 25]].concat();
        let (told, _) = heard(&header(0x21, 0x21, &v6)).await;
        assert_eq!(told.unwrap(), Header::Client("[2001:db8::7]:1".parse().unwrap()));
        let mapped = Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped();
        let v6 = [&mapped.octets()[..], &[0; 16], &[0, 1, 0, 25]].concat();
        let (told, _) = heard(&header(0x21, 0x21, &v6)).await;
        assert_eq!(told.unwrap(), Header::Client("192.0.2.7:1".parse().unwrap()));
        assert_eq!(heard(&header(0x20, 0, &[])).await.0.unwrap(), Header::Local);
    }

    #[tokio::test]
    async fn what_is_no_header_is_told_at_once() {
        for octets in [
            b"EHLO client.example and more".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 25\r\n".to_vec(),
            // Addresses that are cut off, UDP, a local socket, another version, a header without end.
            header(0x21, 0x11, &[192, 0, 2, 7]),
            header(0x21, 0x12, &[0; 12]),
            header(0x21, 0x31, &[0; 216]),
            header(0x11, 0x11, &[0; 12]),
            header(0x21, 0x11, &[0; REST_OCTETS_MAX + 1]),
        ] {
            let error = heard(&octets).await.0.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{octets:?}");
        }
        assert_eq!(heard(b"\r\n\r\n").await.0.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(head: [u8; HEAD_OCTETS], rest: Vec<u8>) {
            let _ = Header::read(&head, &rest);
        }

        #[test]
        fn what_a_proxy_writes_is_read(client: [u8; 4], port: u16, tlvs in proptest::collection::vec(any::<u8>(), 0..64)) {
            let rest = [&client[..], &[0; 4], &port.to_be_bytes(), &[0, 25], &tlvs].concat();
            let octets = header(0x21, 0x11, &rest);
            let (head, rest) = octets.split_first_chunk().unwrap();
            let expected = SocketAddr::new(Ipv4Addr::from(client).into(), port);
            prop_assert_eq!(Header::read(head, rest), Some(Header::Client(expected)));
        }
    }
}
