//! The interface for assistants, message by message; the official client is in tests/web/mcp.py.

use crate::server::{Reply, Server, TOKEN};
use serde_json::{Value, json};

fn send(server: &Server, token: &str, fields: &str, message: &Value) -> Reply {
    let fields = format!(
        "Authorization: Bearer {token}\r\nContent-Type: application/json\r\nAccept: application/json, \
         text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n{fields}"
    );
    server.post("/mcp", "", &fields, &message.to_string())
}

fn call(server: &Server, token: &str, tool: &str, arguments: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": arguments } });
    let reply = send(server, token, "", &message);
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["result"].clone()
}

#[test]
fn tools_read_at_once_and_act_in_two_steps() {
    let server = Server::new();
    let status = call(&server, TOKEN, "gateway_status", json!({}));
    assert_eq!(status["structuredContent"]["calls"], json!([]), "{status}");
    let story = call(&server, TOKEN, "get_call_summary", json!({ "call_id": 1 }));
    let summary = story["structuredContent"]["summary"].as_str().unwrap();
    assert!(
        summary.contains("The box waited 13 min") && summary.contains("join: the owner answered"),
        "{summary}"
    );
    let words = call(&server, TOKEN, "get_call_transcript", json!({ "call_id": 1 }));
    assert_eq!(words["structuredContent"]["available"], true);
    assert_eq!(words["structuredContent"]["transcript"][0]["text"], "Thank you for holding.");
    let words = call(&server, TOKEN, "get_call_transcript", json!({ "call_id": 2 }));
    assert_eq!(words["structuredContent"]["available"], false, "nothing was said in that one");
    let found = call(&server, TOKEN, "search_call_history", json!({ "said": "thank you FOR" }));
    assert_eq!(found["structuredContent"]["calls"].as_array().unwrap().len(), 1, "{found}");
    let found = call(&server, TOKEN, "search_call_history", json!({ "outcome": "slain" }));
    assert_eq!(found["structuredContent"]["calls"].as_array().unwrap().len(), 2, "{found}");

    let wanted = json!({ "number": "18005550123", "mode": "hold_slayer" });
    let asked = call(&server, TOKEN, "make_call", wanted.clone());
    assert_eq!(asked["structuredContent"]["done"], false, "{asked}");
    let with = |code: &Value| {
        let mut with = wanted.clone();
        with["confirmation"] = code.clone();
        with
    };
    let code = asked["structuredContent"]["confirmation"].clone();
    let guessed = call(&server, TOKEN, "make_call", with(&json!("00000000")));
    assert_eq!(guessed["isError"], true);
    let placed = call(&server, TOKEN, "make_call", with(&code));
    assert_eq!(placed["structuredContent"]["call_id"], 10, "{placed}");
    assert_eq!(
        call(&server, TOKEN, "make_call", with(&code))["isError"],
        true,
        "a confirmation is good once"
    );
}

#[test]
fn a_call_that_the_model_leads_needs_a_task_and_the_owner() {
    let server = Server::new();
    let make = |arguments: Value| call(&server, TOKEN, "make_call", arguments);
    let mut wanted = json!({ "number": "18005550123", "mode": "ai_assisted", "task": "Ask when they open" });
    let asked = make(wanted.clone());
    assert_eq!(asked["structuredContent"]["done"], false, "{asked}");
    wanted["confirmation"] = asked["structuredContent"]["confirmation"].clone();
    let mut other = wanted.clone();
    other["task"] = json!("Buy a car");
    assert_eq!(make(other)["isError"], true, "the owner has agreed to something else");
    assert_eq!(make(wanted)["structuredContent"]["call_id"], 10);
}

#[test]
fn flows_are_listed_read_and_learnt() {
    let server = Server::new();
    let text = "name = \"Care\"\n\n[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\n\n[[step]]\ndo = \"hold\"\n";
    let flow = hold_slayer::slay::text::read("flow", text).unwrap();
    let mut book = hold_slayer::slay::book::Book::default();
    let entry = book.keep("+18005550123", flow, true, hold_slayer::units::Wall(0)).unwrap().unwrap();
    server.store.as_ref().unwrap().put_flows(&entry).unwrap();
    let list = call(&server, TOKEN, "list_call_flows", json!({}));
    assert_eq!(list["structuredContent"]["flows"][0]["versions"][0]["standing"], "offered", "{list}");
    let one = call(&server, TOKEN, "get_call_flow", json!({ "number": "18005550123" }));
    assert_eq!(one["structuredContent"]["flow"], text, "{one}");
    assert_eq!(call(&server, TOKEN, "get_call_flow", json!({ "number": "1" }))["isError"], true);
    let wanted = json!({ "number": "18005550123", "flow": text });
    let asked = call(&server, TOKEN, "learn_call_flow", wanted.clone());
    assert_eq!(asked["structuredContent"]["done"], false, "{asked}");
    let mut again = wanted;
    again["confirmation"] = asked["structuredContent"]["confirmation"].clone();
    assert_eq!(call(&server, TOKEN, "learn_call_flow", again)["structuredContent"]["done"], true);
    let wrong = json!({ "number": "1800", "flow": "[[step]]\ndo = \"jump\"\n" });
    let refused = call(&server, TOKEN, "learn_call_flow", wrong);
    assert!(refused["isError"] == true && refused.to_string().contains("flow:2"), "{refused}");
}

#[test]
fn what_would_be_refused_is_refused_before_the_owner_is_asked() {
    let server = Server::new();
    let cases = [
        ("make_call", json!({ "number": "18005550123;x", "mode": "direct" }), "1 to 32 digits"),
        ("make_call", json!({ "number": "18005550123", "mode": "ai_assisted" }), "needs one"),
        ("make_call", json!({ "number": "18005550123" }), "\\\"direct\\\" rings the owner's phone"),
        (
            "make_call",
            json!({ "number": "18005550123", "mode": "slay" }),
            "one of `direct`, `hold_slayer`, `ai_assisted`",
        ),
        ("make_call", json!({ "number": "911", "mode": "hold_slayer" }), "No such call is up"),
        ("send_dtmf", json!({ "call_id": 9, "digits": "1x" }), "Keys are 1 to 32"),
        ("end_call", json!({ "call_id": 404 }), "No such call is up"),
        ("end_call", json!({ "call": 9 }), "the arguments are wrong"),
    ];
    for (tool, arguments, words) in cases {
        let refused = call(&server, TOKEN, tool, arguments.clone());
        assert!(
            refused["isError"] == true && refused.to_string().contains(words),
            "{tool} {arguments}: {refused}"
        );
    }
}

#[test]
fn resources_are_read_as_tools_are() {
    let server = Server::new();
    crate::flows::known(&server);
    let ask = |method: &str, parameters: Value| {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        send(&server, TOKEN, "", &message).json()
    };
    let templates = ask("resources/templates/list", json!({}));
    let templates: Vec<&str> = templates["result"]["resourceTemplates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["uriTemplate"].as_str().unwrap())
        .collect();
    let expected =
        ["calls/{call_id}", "calls/{call_id}/transcript", "calls/{call_id}/summary", "flows/{number}"];
    assert_eq!(templates, expected.map(|path| format!("hold-slayer://{path}")));
    let read = |uri: &str| {
        let answer = ask("resources/read", json!({ "uri": uri }));
        answer["result"]["contents"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    assert!(read("hold-slayer://calls/1/transcript").contains("Thank you for holding."));
    assert!(read("hold-slayer://calls/1/summary").contains("The box waited 13 min"));
    assert!(read("hold-slayer://calls/1").contains("slain"));
    assert!(read("hold-slayer://flows/%2B18005550123").contains("[[step]]"));
    assert!(read("hold-slayer://flows").contains("+18005550123"));
    assert!(read("hold-slayer://statistics").contains("by_hour_ms"));
    for nothing in
        ["hold-slayer://calls/x", "hold-slayer://calls/1/other", "hold-slayer://flows/", "other://calls/1"]
    {
        assert_eq!(read(nothing), "", "{nothing}");
    }
}

#[test]
fn a_reading_token_sees_no_tool_that_acts() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    let made = server.post("/access", &cookie, "", &format!("csrf={csrf}&name=Reader&scope=read"));
    let token =
        made.text.split("<code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let names = |token: &str| -> Vec<String> {
        let tools = send(&server, token, "", &list).json()["result"]["tools"].clone();
        tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    let acting = ["make_call", "end_call", "send_dtmf"].map(str::to_owned);
    assert!(acting.iter().all(|name| names(TOKEN).contains(name)));
    assert!(!acting.iter().any(|name| names(&token).contains(name)), "{:?}", names(&token));
    let refused = call(&server, &token, "end_call", json!({ "call_id": 9 }));
    assert!(refused["isError"] == true && refused.to_string().contains("scope calls"), "{refused}");
}

#[test]
fn strangers_and_other_sites_are_refused() {
    let server = Server::new();
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    assert_eq!(send(&server, "hs_guessed", "", &list).status, 401);
    assert_eq!(send(&server, TOKEN, "Origin: http://evil.example\r\n", &list).status, 403);
    assert_eq!(send(&server, TOKEN, &format!("Origin: http://{}\r\n", server.addr()), &list).status, 200);
    assert_eq!(server.ask("/mcp").status, 405);
}
