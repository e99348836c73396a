//! The page with made-up calls, to be looked at: `cargo test --test web -- --ignored show --nocapture`, then Enter.

use crate::server::{Server, config, record, snapshot, view};
use hold_slayer::call::{Phase, Record};
use hold_slayer::listen::lore::{Fresh, Lesson};
use hold_slayer::units::CallId;
use hold_slayer::web::Config;
use std::sync::Arc;

#[test]
#[ignore = "for people who want to look at the page"]
fn show() {
    let server = Server::with(Config { one_use_token: Some("look".into()), ..config() });
    crate::flows::known(&server);
    let store = server.store.as_ref().unwrap();
    store.put(&Record { id: CallId(10), number: "18005550123".into(), ..record(1) }).unwrap();
    let fresh = [(2_000, false), (62_000, false), (95_000, true)];
    let fresh =
        fresh.map(|(at_ms, doubted)| Fresh { at_ms, prints: vec![at_ms as u32; 120], doubted }).into();
    store
        .change_lore("+18005550123", |lore| lore.learn(10, 5, Lesson { fresh, ..Lesson::default() }))
        .unwrap();
    store.change_lore("+18005550123", |lore| lore.take(&[vec![7; 60]])).unwrap();
    println!("page: http://{}/login?token=look (password: {})", server.addr(), crate::server::PASSWORD);
    println!("type a phase (dialing … ringing), 'quiet', 'trouble' or 'two'; an empty line ends");
    for line in std::io::stdin().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let now = hold_slayer::clock::wall();
        let one = |phase| snapshot(vec![view(9, phase, now, 14)]);
        let mut next = match line.as_str() {
            "dialing" => one(Phase::Dialing),
            "incoming" => one(Phase::Incoming),
            "talking" => one(Phase::Talking),
            "parked" => one(Phase::Parked),
            "confirming" => one(Phase::Confirming),
            "holding" | "trouble" => one(Phase::Holding),
            "greeting" => one(Phase::Greeting),
            "ringing" => one(Phase::Ringing),
            "two" => snapshot(vec![view(8, Phase::Holding, now, 47), view(9, Phase::Talking, now, 3)]),
            _ => snapshot(Vec::new()),
        };
        if line == "trouble" {
            next.troubles.push("The call history cannot be written: the disk is full: free some space. Calls work on; 3 records wait in memory.".into());
            next.trunks[0].up = false;
            next.trunks[0].status = "wrong password (403): correct trunk.password in hold-slayer.toml".into();
            next.discards.insert("RTP from a stranger".into(), 12);
        }
        server.snapshot.send_replace(Arc::new(next));
        println!("shown: {line}");
    }
}
