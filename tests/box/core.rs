//! The board file: the core of the processor that it gives the sound, and a box whose board file cannot be used.

use super::far::{Far, Net, SECRET};
use super::running::{Folder, Running, configuration};
use hold_slayer::demo::Fact;
use hold_slayer::demo::phone::Step as Owner;
use std::process::Command;

/// The cores that a task may use, as `/proc` says: "0-3".
fn cores(status: &str) -> String {
    let status = std::fs::read_to_string(status).unwrap();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
}

/// A box on a board with this core for the sound, and what `check` says before it is up.
fn on_a_board(net: Net, folder: &Folder, core: &str) -> (Running, String) {
    with_board(net, folder, Some(&format!("name = \"own\"\nmedia_core = {core}\n")))
}

/// The same with whatever stands in the board file, if there is one.
fn with_board(net: Net, folder: &Folder, board: Option<&str>) -> (Running, String) {
    board.iter().for_each(|board| std::fs::write(folder.0.join("own.toml"), board).unwrap());
    let trunk = net.trunk().to_string();
    let text = format!("{}[board]\nfile = \"own.toml\"\n", configuration(net, &trunk));
    let file = folder.0.join("hold-slayer.toml");
    std::fs::write(&file, &text).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_hold-slayer"));
    let output = check.arg("check").arg("--config").arg(file).arg("--data").arg(&folder.0).output().unwrap();
    (Running::with(net, folder, &folder.0, &text), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn sound_runs_on_the_core_that_the_board_gives_it() {
    let net = Net::new();
    let folder = Folder::new(net);
    let all = cores("/proc/self/status");
    let own = all.rsplit([',', '-']).next().unwrap().to_owned();
    let (running, said) = on_a_board(net, &folder, &own);
    assert!(said.contains(&format!("sound has core {own} for itself")), "{said}");
    let mut tasks = std::fs::read_dir(format!("/proc/{}/task", running.pid())).unwrap();
    let media = tasks.find_map(|task| {
        let task = task.unwrap().path();
        let name = std::fs::read_to_string(task.join("comm")).unwrap();
        (name.trim() == "media").then(|| cores(task.join("status").to_str().unwrap()))
    });
    assert_eq!(media.as_deref(), Some(own.as_str()));
    if all != own {
        // The others keep off it.
        assert_ne!(cores(&format!("/proc/{}/status", running.pid())), all);
    }
}

#[test]
fn a_core_that_is_not_there_is_told_of_and_the_box_runs() {
    let net = Net::new();
    let folder = Folder::new(net);
    let (running, said) = on_a_board(net, &folder, "1023");
    assert!(said.contains("media_core = 1023 in the board file is no core that the box may use"), "{said}");
    let page = running.log_in(&running.password());
    page.wait("the page says so", |status| {
        status["troubles"].to_string().contains("sound has no core of its own")
    });
}

#[test]
fn without_its_board_file_the_box_is_a_telephone_and_says_what_is_wrong() {
    for (board, wrong) in [
        (None, "the board file cannot be read"),
        (Some("name = \"own\"\n[button]\nline = \"GPIO17\"\nlime = 17\n"), "no such key; did you mean line?"),
    ] {
        let net = Net::new();
        let folder = Folder::new(net);
        let (running, said) = with_board(net, &folder, board);
        let fault = said.lines().find(|line| line.starts_with("problem  board file: "));
        assert!(fault.is_some_and(|fault| fault.contains(wrong)), "{said}");
        let phone = Far::phone(net, 3, SECRET, vec![Owner::Register]);
        phone.wait(0, "the phone registers", |fact| *fact == Fact::Registered);
        let page = running.log_in(&running.password());
        page.wait("the page says so", |status| {
            let told = status["troubles"].to_string();
            told.contains("the board file is left out") && told.contains(wrong)
        });
        drop(phone);
    }
}
