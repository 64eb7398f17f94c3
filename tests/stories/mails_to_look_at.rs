//! What becomes of the mails in `tests/look`, for pictures of them: `tests/look/run.sh`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::house::{ALICE, House, INVITE};
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes files: run by tests/look/run.sh"]
async fn write_the_mails() {
    let directory = PathBuf::from(std::env::var("LOOK_DIR").unwrap());
    let house = House::open().await;
    for name in ["outlook", "apple", "plain"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/look").join(name).with_extension("eml");
        let letter =
            fs::read_to_string(file).unwrap().replace("ana@corp.example", ALICE).replace('\n', "\r\n");
        house.hop.take();
        house.send(&[KIM, INVITE], letter.as_bytes()).await.assert(250);
        let arrived = Arrived::new(&house.hop.wait_for_mail_to(KIM).await.octets);
        let html = arrived.texts("text/html").pop().unwrap_or_else(|| {
            let text = arrived.texts("text/plain").remove(0).replace('&', "&amp;").replace('<', "&lt;");
            format!("<meta name=\"color-scheme\" content=\"light dark\"><pre style=\"white-space:pre-wrap\">{text}</pre>")
        });
        fs::write(directory.join(format!("mail-{name}.html")), html).unwrap();
    }
    house.close().await;
}
