//! What happens to the box is told elsewhere, as it happens.

use super::far::Net;
use super::running::{Folder, House, Running, configuration};
use super::stand_in::{Say, answers};
use nix::sys::signal::Signal;

#[test]
fn that_the_box_stops_is_told_before_it_has_stopped() {
    let (net, there) = (Net::new(), answers(&[Say::Whole(200, String::new())]));
    let folder = Folder::new(net);
    let notify = format!(
        "[[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nevents = [\"system.stopped\"]\n",
        there.url("/")
    );
    let running =
        Running::with(net, &folder, &folder.0, &(configuration(net, &net.trunk().to_string()) + &notify));
    running.signal(Signal::SIGTERM);
    assert!(running.ends().0.success());
    assert_eq!(there.next().json()["type"], "system.stopped");
}

#[test]
fn a_call_is_told_of_while_it_goes_on() {
    let (net, there) = (Net::new(), answers(&[Say::Whole(200, String::new())]));
    let folder = Folder::new(net);
    let notify = format!(
        "[[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nnumbers = true\n\
         events = [\"system.started\", \"system.trunk_registered\", \"call\"]\n",
        there.url("/")
    );
    let file = configuration(net, &net.trunk().to_string()) + &notify;
    let running = Running::with(net, &folder, &folder.0, &file);
    assert_eq!(there.next().json()["type"], "system.started");
    let mut house = House::around(net, folder, running);
    let types = ["system.trunk_registered", "call.started", "call.connected"];
    for kind in types {
        let told = there.next().json();
        assert_eq!(told["type"], kind);
        assert_eq!(told["number"].as_str().is_some(), kind.starts_with("call"), "{told}");
    }
    house.talks_on();
    assert!(house.running.is_up());
}
