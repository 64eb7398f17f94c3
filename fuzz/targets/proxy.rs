//! The header of a load balancer: what is read of it is a header, and nothing behind it is touched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::net::proxy::hear;
use tokio::runtime::Builder;

fuzz_target!(|octets: &[u8]| {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let mut stream = octets;
    if runtime.block_on(hear(&mut stream)).is_ok() {
        assert_eq!(&octets[..12], b"\r\n\r\n\0\r\nQUIT\n");
        let len = 16 + usize::from(u16::from_be_bytes([octets[14], octets[15]]));
        assert_eq!(stream, &octets[len..]);
    }
});
