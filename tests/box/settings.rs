//! A change of the settings takes effect when the box starts itself anew: not while a call is up, as the same process, and
//! with the same browsers logged in.

use super::running::House;
use hold_slayer::demo::Fact;
use serde_json::json;
use std::net::TcpListener;

#[test]
fn a_change_waits_for_the_end_of_the_call_and_logs_nobody_out() {
    let mut house = House::talking();
    let page = house.running.log_in(&house.running.password());
    let second = json!({ "section": "trunk", "values": { "name": "second", "address": "192.0.2.9:5060" } });
    assert_eq!(page.send("/api/v1/settings", &second)["done"], true);
    let wrong = json!({ "section": "trunk", "values": { "name": "third" } });
    assert!(
        page.send("/api/v1/settings", &wrong)["detail"].as_str().unwrap().contains("Nothing was changed")
    );
    // Nor is it written where a start could not listen.
    let listener = TcpListener::bind((house.running.net.host(1), 0)).unwrap();
    let taken = listener.local_addr().unwrap();
    let in_use = format!("Port {} is in use by another program", taken.port());
    for (section, listen, why) in [
        ("sip", "198.51.100.7:5060", "198.51.100.7 is not an address of this machine"),
        ("web", "198.51.100.7:8080", "198.51.100.7 is not an address of this machine"),
        ("web", &taken.to_string(), &in_use),
    ] {
        let set = json!({ "section": section, "values": { "listen": listen } });
        let told = page.send("/api/v1/settings", &set)["detail"].to_string();
        assert!(told.contains("Nothing was changed") && told.contains(why), "{told}");
    }
    assert_eq!(page.send("/api/v1/restart", &json!({}))["done"], true);
    house.talks_on();
    let status = page.get("/api/v1/status");
    assert!(
        status["calls"].as_array().unwrap().len() == 1 && !status["trunks"].to_string().contains("second"),
        "{status}"
    );
    let path = format!("/api/v1/calls/{}/hangup", status["calls"][0]["id"]);
    assert_eq!(page.post(&path, true).0, 200);
    house.phone.wait(0, "the call is over", |f| matches!(f, Fact::Ended(_)));
    house.running.says_times("the box is up", 2);
    assert!(house.running.is_up(), "the same process");
    let status = page.get("/api/v1/status");
    assert!(status["trunks"].to_string().contains("second"), "{status}");
}
