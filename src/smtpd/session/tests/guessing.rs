//! Guessing gets slow.

use super::*;

#[tokio::test]
async fn each_wrong_guess_is_answered_later_than_the_one_before() {
    let world = World::new();
    world.add_ann("correct horse battery").await;
    let terms = Terms { role: Role::Submission, tls: TlsMode::Implicit, ..World::terms() };
    let script = |mut client: Client| async move {
        client.say("EHLO a.example\r\n").await;
        client.hears(&["220", "250"]).await;
        for expected in [0, 500, 1000] {
            let asked = Instant::now();
            client.say("AUTH PLAIN AGFubkBjb3JwLmV4YW1wbGUAd3Jvbmc=\r\n").await;
            client.hears(&["535 5.7.8"]).await;
            let answered = asked.elapsed();
            assert!(answered >= Duration::from_millis(expected), "answered after {answered:?}");
        }
    };
    world.visit(terms, script).await.unwrap();
}
