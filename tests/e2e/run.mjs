// The page in a browser, with the box as it runs in a house: first run, calls, settings, backup; every page in both languages
// without a fault of accessibility, its weight and first paint, and pictures of it. `make e2e`; `--fast` leaves the demo, the
// backup and most sizes out. PROGRAM=… another build, PICTURES=… where the pictures go.
import assert from "node:assert/strict";
import path from "node:path";
import { writeFileSync } from "node:fs";
import { startBox, startDemo } from "./household.mjs";
import { chromium, look, picture, pictures } from "./look.mjs";
import { Phone, Provider } from "./sip.mjs";

const fast = process.argv.includes("--fast");
const WAIT = 60_000;
const OWN = "my own password";
const PAGES = ["/", "/history", "/flows", "/statistics", "/phones", "/access", "/settings", "/setup", "/privacy", "/notifications", "/board", "/backup", "/greeting", "/companies", "/logs"];
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const errors = [];
const began = Date.now();
const done = (what) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${what}`);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"] });

async function window(options = {}) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(fast ? 20_000 : WAIT);
  // A refusal that was provoked is told by the browser, too, and that the box was away while it started anew.
  const expected = /status of (400|403|409|503)|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;
  context.on("console", (message) => { if (message.type() === "error" && !expected.test(message.text())) errors.push(message.text()); });
  context.on("weberror", (error) => errors.push(String(error.error())));
  return context;
}

const heading = (page, name) => page.getByRole("heading", { name });
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

async function logIn(context, base, password) {
  const page = await context.newPage();
  await page.goto(`${base}/login`);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await press(page, "Log in");
  await heading(page, "Call from here").waitFor();
  return page;
}

/** A page that is not always there: on a phone and a desk, light and dark. The short run takes a dark desk alone. */
async function lookAround(page, where, name) {
  const sizes = fast ? ["desktop"] : Object.keys(SIZES), schemes = fast ? ["dark"] : ["light", "dark"];
  for (const size of sizes) {
    for (const colorScheme of schemes) {
      await page.setViewportSize(SIZES[size]);
      await page.emulateMedia({ colorScheme });
      await look(page, `${where} (${size}, ${colorScheme})`, `${name}-${size}-${colorScheme}`);
    }
  }
  await page.setViewportSize(SIZES.phone);
  await page.emulateMedia({ colorScheme: null });
}

/** The box starts anew, and is looked for until it is there again. */
async function afterRestart(page, address, until) {
  await page.waitForFunction(() => document.querySelector("h1"));
  for (const end = Date.now() + WAIT; Date.now() < end; await page.waitForTimeout(200)) {
    const there = await page.goto(address).then((answer) => answer.status() === 200, () => false);
    // As long as changes wait, it is the one from before.
    if (there && !await page.getByText("Changes are saved").count() && await until()) return;
  }
  throw new Error(`${address} was not what it should be: ${await page.locator("main").innerText()}`);
}

const step = (page, title) => page.locator("li.card", { has: heading(page, title) });
const isDone = async (page, title) => (await step(page, title).locator("h2 .state").innerText()) === "Done";

/** The first run to its end: claimed by the printed code, then each step; left once, and resumed. */
async function firstRun(context, box, provider, phone) {
  const page = await context.newPage();
  await page.goto(box.page);
  await heading(page, "Your new box").waitFor();
  await lookAround(page, "claiming", "claim");
  for (const code of ["aaaa-aaaa", box.code]) {
    await page.getByLabel("Code").fill(code);
    await page.getByLabel("New password").fill(OWN);
    await press(page, "Claim this box");
    if (code !== box.code) await page.getByText("This is not the code").waitFor();
  }
  await heading(page, "This box is not set up yet").waitFor();
  done("claimed");

  const setup = `${box.page}/setup`;
  await page.goto(setup);
  await page.getByLabel("Country").selectOption("de");
  await press(page, "Keep it");
  await heading(page, "Saved").waitFor();
  await afterRestart(page, setup, () => isDone(page, "Country"));
  assert.match(box.settings(), /country = "de"/);

  // The provider first, then what it asks for.
  const here = step(page, "Line");
  const choose = async (name) => {
    await here.getByLabel("Provider").selectOption(name);
    await here.getByRole("button", { name: "Choose", exact: true }).click();
    await here.getByLabel("User", { exact: true }).waitFor();
  };
  await choose("telekom");
  await here.getByLabel("User in From").waitFor();
  assert.equal(await here.getByLabel("Server (registrar)").count(), 0, "the box knows it");
  await look(page, "set-up with a provider", "setup-telekom");
  await choose("");
  assert.equal(await here.getByLabel("User in From").count(), 0);
  // A wrong password is said in plain words, and the right one then works; the page is left in between.
  const line = async (secret) => {
    const folded = here.locator("details:not([open]) > summary");
    if (await folded.count()) await folded.click();
    await here.getByLabel("Server (registrar)").fill(provider.place);
    await here.getByLabel("User", { exact: true }).fill(provider.user);
    await here.getByLabel("Password").fill(secret);
    await press(page, "Keep it and register");
    await heading(page, "Saved").waitFor();
  };
  await line("a wrong secret");
  await afterRestart(page, setup, () => here.getByText("wrong password").isVisible());
  // The test shows by itself what comes of it: refused at first, taken once the provider has been put right.
  const right = provider.secret;
  for (const words of ["wrong password", "calls can be made"]) {
    await press(page, "Test now");
    await heading(page, "Test of the line").waitFor();
    await page.getByText(words).waitFor();
    // The last look, which is not followed by another while it is examined.
    await page.goto(`${setup}/test?look=15`);
    await page.getByText(words).waitFor();
    await look(page, "the test of a line", words === "wrong password" ? "test-refused" : "test-taken");
    await page.getByRole("link", { name: "Back to the set-up" }).click();
    provider.secret = "a wrong secret";
  }
  provider.secret = right;
  await page.goto(box.page);
  await page.getByRole("link", { name: "Set it up, step by step" }).click();
  assert.equal(await isDone(page, "Country"), true, "goes on where it was");
  await line(provider.secret);
  await afterRestart(page, setup, () => isDone(page, "Line"));
  await look(page, "set-up", "setup-halfway");
  done("country and line");

  await page.getByRole("link", { name: "Pair a phone" }).click();
  await page.getByLabel("Name").fill("hall");
  await page.getByLabel("What it is").selectOption("any");
  await press(page, "Pair");
  await heading(page, "hall is paired").waitFor();
  await look(page, "a paired phone", "paired");
  const typed = async (name) => page.locator("dl.told > div", { hasText: name }).locator("code").innerText();
  await phone.registerAt(box.sip, await typed("User, also"), await typed("Password"));
  await page.getByRole("link", { name: "Back to the set-up" }).click();
  assert.equal(await isDone(page, "Phone"), true);

  await press(page, "My provider knows my address");
  await page.waitForURL("**/setup");
  assert.equal(await isDone(page, "Help in an emergency"), true);
  // One step is left, and the start page leads back to it.
  await page.goto(box.page);
  await page.getByRole("link", { name: "Go on with it" }).click();
  await step(page, "A test call").getByLabel("Number").fill("03012345");
  await press(page, "Call it");
  await heading(page, "You are talking").waitFor();
  assert.deepEqual([phone.calls.length, provider.calls.length], [1, 1], "both are in the call");
  // Nothing is left to do, which its record says as soon as it is written.
  await page.waitForFunction(async () => !(await (await fetch("/setup")).text()).includes(">To do<"));
  await page.goto(setup);
  assert.equal(await isDone(page, "A test call"), true);
  await press(page, "Done: to the start page");
  await page.waitForURL(box.page + "/");
  assert.equal(await heading(page, "This box is not set up yet").count(), 0);
  done("phone, emergency, a test call");
  return page;
}

/** What has the focus, is folded out or is being pressed stays itself while the page is made anew around it. */
async function staysInHand(page) {
  const live = () => page.waitForResponse((answer) => answer.url().endsWith("/live"));
  // The second begins when the first has been worked in.
  const renewed = async () => { await live(); await live(); };
  // Another may come beside it.
  const fold = page.locator("#live details.sound").first();
  if (await fold.count()) await fold.locator("summary").click();
  await page.getByRole("link", { name: "Listen in" }).focus();
  await renewed();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Listen in", "the focus stays");
  if (await fold.count()) assert.equal(await fold.getAttribute("open"), "", "it stays folded out");
  const take = page.getByRole("button", { name: "Take it", exact: true });
  await take.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await take.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await renewed();
  await page.mouse.up();
  done("a button pressed while the page changed");
}

/** A stream that was refused is opened again by itself, and so long it is said that it is lost. */
async function comesBack(page, box) {
  let asked = 0;
  await page.route("**/events", (route) => {
    asked += 1;
    return asked > 2 ? route.continue() : route.fulfill({ status: 503, body: "" });
  });
  await page.goto(box.page);
  const lost = page.getByText("The connection to the box is lost.");
  await lost.waitFor();
  await look(page, "a lost connection", "lost");
  await lost.waitFor({ state: "hidden" });
  assert.ok(asked > 2, `${asked}`);
  await page.unroute("**/events");
  done("a lost connection that came back");
}

/** The call that is up: held from the page, heard, taken back, ended; all of it is in the history. */
async function holdAndTake(page, box, provider, phone) {
  await press(page, "Hold now");
  await heading(page, /You can hang up|Waiting on hold/).waitFor();
  await phone.hangUp();
  await heading(page, "Waiting on hold for you").waitFor();
  done("held");
  await lookAround(page, "a held call", "held");
  await page.getByRole("link", { name: "Listen in" }).click();
  await heading(page, "Listening in").waitFor();
  await page.getByRole("timer").getByText(/0:0[1-9]|0:[1-5]/).waitFor();
  done("listened to");
  await look(page, "listening in", "listen");
  await page.goto(box.page);
  await staysInHand(page);
  await heading(page, "You are talking").waitFor();
  assert.deepEqual([phone.calls.length, provider.calls.length], [1, 1]);
  done("taken");
  await press(page, "Hang up");
  await heading(page, "All quiet").waitFor();
  await page.goto(`${box.page}/history`);
  await page.getByRole("link", { name: /03012345/ }).click();
  for (const words of ["asked for on the page", "the owner asked for the call", "the owner answered", "hung up on the page"]) {
    await page.getByText(words).first().waitFor();
  }
  await lookAround(page, "a call", "call");
  done("held, listened to, taken, ended, in the history");
}

/** A flow written, changed, called with; a setting changed in the form; what is kept deleted. */
async function changes(page, box, provider) {
  await page.goto(`${box.page}/flows`);
  const write = async (text) => {
    await page.getByLabel("Flow").fill(text);
    await press(page, "Save");
  };
  const flow = (keys) => `name = "Care"\n\n[[step]]\ndo = "dtmf"\nkeys = "${keys}"\n\n[[step]]\ndo = "hold"\n`;
  await page.locator("#flow-number").fill("03012345");
  await write(flow("x"));
  await page.getByRole("alert").getByText("keys").waitFor();
  assert.match(await page.getByLabel("Flow").inputValue(), /keys = "x"/, "what was written is not lost");
  await write(flow("1"));
  await page.getByRole("link", { name: "Version 1" }).click();
  await page.getByText("Press 1.").waitFor();
  await write(flow("2"));
  await page.getByRole("link", { name: "Version 2" }).click();
  await page.getByText("Press 2.").waitFor();
  await lookAround(page, "a flow", "flow");
  await press(page, "Call with it, and wait");
  await heading(page, "Waiting on hold for you").waitFor();
  await press(page, "Hang up");
  await heading(page, "All quiet").waitFor();
  await page.goto(`${box.page}/history`);
  // It is written down a moment after it has ended.
  await page.waitForFunction(async () => (await (await fetch("/api/v1/history")).json()).calls.length === 2);
  await page.goto(`${box.page}/history`);
  await page.getByLabel("Number, company, or what was said").fill("CARE");
  await page.getByLabel("How it ended").selectOption("You ended the wait");
  await press(page, "Search");
  await lookAround(page, "calls found by their company", "history-found");
  assert.equal(await page.locator("a.card", { hasText: "Care" }).count(), 1, "both calls were there, and one was held");
  await page.locator("a.card").first().click();
  await page.getByText("step 1 of 2").first().waitFor();
  await heading(page, "Care +493012345").waitFor();
  done("a flow edited and tried, its company found in the history");

  await page.goto(`${box.page}/flows`);
  await page.getByRole("link", { name: "Version 2" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Export as a file" }).click()]);
  await page.goto(`${box.page}/flows`);
  await page.locator("#import-number").fill("030 999");
  await page.locator("#import-file").setInputFiles(await download.path());
  await press(page, "Import");
  await heading(page, /30999$/).waitFor();
  done("a flow exported and brought for another number");

  await page.goto(`${box.page}/settings`);
  const before = box.settings();
  const holding = page.locator("section.card", { has: heading(page, "Holding") });
  await holding.getByText("Change", { exact: true }).click();
  await holding.getByLabel("Longest hold").fill("tomorrow");
  await holding.getByRole("button", { name: "Save" }).click();
  await page.getByText("Nothing was changed.").waitFor();
  assert.equal(box.settings(), before);
  assert.equal(await holding.getByLabel("Longest hold").inputValue(), "tomorrow", "what was typed stands there again");
  await holding.getByLabel("Longest hold").fill("3h");
  await holding.getByRole("button", { name: "Save" }).click();
  await page.getByText("Changes are saved").waitFor();
  assert.equal(box.settings(), before.replace('"2h"', '"3h"'), "nothing else has changed, and comments are kept");
  await picture(page, "settings-saved");

  await page.goto(`${box.page}/privacy`);
  await press(page, "Delete the history now");
  await page.getByText(/^[1-9]\d* deleted\.$/).waitFor();
  await page.goto(`${box.page}/history`);
  await page.getByText("No calls yet.").waitFor();
  done("a setting changed, the history deleted");
}

/** Every page, in these languages, sizes and schemes. */
async function everyPage(page, box, languages, sizes, schemes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const language of languages) {
      await page.context().addCookies([{ name: "hold-slayer-language", value: language, url: box.page }]);
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        for (const where of PAGES) {
          await page.goto(box.page + where);
          assert.equal(await page.locator("html").getAttribute("lang"), language);
          await look(page, `${where} (${language}, ${size}, ${colorScheme})`, `${where.slice(1) || "home"}-${language}-${size}-${colorScheme}`);
        }
      }
    }
  }
  await page.context().clearCookies({ name: "hold-slayer-language" });
  done(`every page in ${languages.join(", ")}, ${Object.keys(sizes).join(", ")}, ${schemes.join(", ")}`);
}

/** A browser that likes German gets it; who chooses otherwise keeps that. */
async function german(box) {
  const context = await window({ locale: "de-DE" });
  const page = await context.newPage();
  await page.goto(`${box.page}/login`);
  await page.getByLabel("Passwort", { exact: true }).fill(OWN);
  await press(page, "Anmelden");
  await heading(page, "Von hier aus anrufen").waitFor();
  assert.match(await page.title(), /^(Jetzt|Alles ruhig)? ?·? ?Hold Slayer$/);
  await page.goto(`${box.page}/history`);
  await press(page, "English");
  await heading(page, "History").waitFor();
  assert.equal(page.url(), `${box.page}/history`);
  await press(page, "Deutsch");
  await heading(page, "Verlauf").waitFor();
  await context.close();
  done("German by the browser and by choice");
}

/** A token made on the page works, and can be taken away. */
async function token(page, box) {
  await page.goto(`${box.page}/access`);
  await page.getByLabel("What it is for").fill("browser test");
  await press(page, "Make");
  const made = await page.locator("code.token").innerText();
  const ask = () => fetch(`${box.page}/api/v1/devices`, { headers: { authorization: `Bearer ${made}` } });
  assert.equal((await ask()).status, 200);
  await press(page, "Take away browser test");
  await page.waitForURL("**/access");
  assert.equal((await ask()).status, 401);
  done("a token made and taken away");
}

/** An assistant calls, presses a key, looks, and hangs up, each with the confirmation that acting needs; all of it is told and written down. */
async function assistant(page, box, provider, phone) {
  await page.goto(`${box.page}/access`);
  await page.getByLabel("What it is for").fill("assistant");
  await page.locator("input[value=calls]").check();
  await press(page, "Make");
  const authorization = `Bearer ${await page.locator("code.token").innerText()}`;
  const headers = { authorization, "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18" };
  const use = async (name, given) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: given } });
    const { result } = await (await fetch(`${box.page}/mcp`, { method: "POST", headers, body })).json();
    assert.ok(!result.isError, `${name}: ${JSON.stringify(result)}`);
    return result.structuredContent;
  };
  const act = async (name, given) => {
    const asked = await use(name, given);
    assert.equal(asked.done, false, "the owner is asked first");
    return use(name, { ...given, confirmation: asked.confirmation });
  };
  const { call_id } = await act("make_call", { number: "03012345", mode: "direct" });
  // Not faster than a program may ask.
  const stands = async (phase) => {
    for (const end = Date.now() + WAIT; Date.now() < end; await page.waitForTimeout(100)) {
      const { live } = await use("get_call_status", { call_id });
      if ((live?.phase ?? null) === phase) return;
    }
    throw new Error(`the call is never ${phase}`);
  };
  await stands("talking");
  assert.deepEqual([phone.calls.length, provider.calls.length], [1, 1], "both are in the call");
  assert.equal((await use("list_active_calls", {})).calls[0].id, call_id);
  await act("send_dtmf", { call_id, digits: "1" });
  await act("end_call", { call_id });
  await stands(null);
  assert.match((await use("get_call_summary", { call_id })).summary, /03012345|\+493012345/);
  const told = await (await fetch(`${box.page}/api/v1/events?call=${call_id}`, { headers })).json();
  const types = told.events.map((event) => event.type);
  for (const type of ["call.started", "call.connected", "menu.keys_sent", "call.ended"]) assert.ok(types.includes(type), `${type} of ${types}`);
  await page.goto(`${box.page}/access`);
  await press(page, "Take away assistant");
  await page.waitForURL("**/access");
  done("a call by an assistant");
}

/** A backup is made and brought back; the box starts anew with it, and its password is the old one. */
async function backup(page, box) {
  await page.goto(`${box.page}/backup`);
  await page.getByLabel("Password of the backup").fill("a password apart");
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Make and download")]);
  const file = path.join(box.folder, "evening.backup");
  await download.saveAs(file);
  const before = box.settings();
  writeFileSync(box.file, before.replace('"home"', '"another"'));
  await page.goto(`${box.page}/backup`);
  for (const password of ["another password", "a password apart"]) {
    await page.getByLabel("The file").setInputFiles(file);
    await page.getByLabel("Its password").fill(password);
    await press(page, "Replace everything with it");
    await page.getByText(/This is not the password of this backup\.|The backup is good/).waitFor();
  }
  await look(page, "a good backup", "restored");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent !== "The backup is good");
  assert.equal(box.settings(), before);
  if (page.url().endsWith("/login")) {
    await page.getByLabel("Password", { exact: true }).fill(OWN);
    await press(page, "Log in");
  }
  await heading(page, "Call from here").waitFor();
  done("a backup made and restored");
}

/** Weight and first paint as a phone on a slow line sees them; of five visits the quickest, for this machine has more to do. */
async function weight(context, box) {
  const visits = [];
  for (let n = 0; n < 5; n += 1) visits.push(await visit(context, box));
  const bytes = Math.max(...visits.map((one) => one.bytes)), paint = Math.min(...visits.map((one) => one.paint));
  done(`home page: ${bytes} bytes, first paint after ${Math.round(paint)} ms on a slow line and processor`);
  assert.ok(bytes <= 100_000, `the home page has ${bytes} bytes`);
  assert.ok(paint <= 1000, `the first paint came after ${paint} ms`);
}

/** One visit by somebody who has never been there. */
async function visit(context, box) {
  const slow = await browser.newContext({ viewport: { width: 390, height: 844 }, storageState: await context.storageState() });
  const fresh = await slow.newPage();
  let bytes = 0;
  const session = await slow.newCDPSession(fresh);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 90_000 });
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
  await fresh.goto(box.page, { waitUntil: "load" });
  // The entry comes with the frame that is painted, which may be after the load.
  const paint = await fresh.evaluate(() => new Promise((told) => {
    new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint").forEach((entry) => told(entry.startTime)))
      .observe({ type: "paint", buffered: true });
  }));
  await slow.close();
  return { bytes, paint };
}

/** Without script every page can be read. */
async function withoutScript(context, box) {
  const plain = await browser.newContext({ viewport: SIZES.phone, javaScriptEnabled: false, storageState: await context.storageState() });
  const page = await plain.newPage();
  for (const where of PAGES) {
    const { status } = await page.goto(box.page + where).then((answer) => ({ status: answer.status() }));
    assert.equal(status, 200, where);
    assert.ok((await page.locator("main").innerText()).trim().length > 40, `${where} says something`);
    assert.ok(await page.locator("main h1, main h2").first().isVisible(), where);
  }
  await page.goto(box.page);
  assert.ok(await heading(page, "Call from here").isVisible());
  await plain.close();
  done("every page without script");
}

/** The demo's token opens what programs and assistants ask. */
async function demoToken(demo) {
  const base = demo.page.replace(/\/+$/, ""), authorization = `Bearer ${demo.token}`;
  const status = await (await fetch(`${base}/api/v1/status`, { headers: { authorization } })).json();
  assert.equal(status.calls.length, 1);
  const described = await (await fetch(`${base}/api/v1/openapi.json`)).json();
  assert.equal(described.openapi, "3.1.0");
  const headers = { authorization, "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18" };
  const asked = await fetch(`${base}/mcp`, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) });
  const names = (await asked.json()).result.tools.map((tool) => tool.name);
  assert.ok(names.includes("make_call") && names.includes("gateway_status"), `${names}`);
  done("the demo's token");
}

/** The call of the demo, live: the page changes by itself. */
async function demoCall(demo) {
  const context = await window();
  const page = await logIn(context, demo.page, demo.password);
  await heading(page, "Waiting on hold for you").waitFor();
  await page.evaluate(() => {
    window.titles = {};
    const note = () => document.querySelectorAll("[data-title]").forEach((h) => { window.titles[h.dataset.title] ??= Date.now(); });
    new MutationObserver(note).observe(document.getElementById("live"), { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await look(page, "the demo's call", "demo");
  const seen = await page.evaluate(async () => (await (await fetch("/api/v1/status")).json()).calls.length);
  assert.equal(seen, 1);
  await demoToken(demo);
  await heading(page, "A person is there").waitFor({ timeout: 2 * WAIT });
  await heading(page, "You are talking").waitFor();
  // Both by the clock of this machine. The page's goal is 200 ms; this machine has more to do.
  const late = await page.evaluate(async () => {
    const { events } = await (await fetch("/api/v1/events?types=hold.transfer_complete")).json();
    return window.titles["You are talking"] - events.at(-1).at;
  });
  done(`the page shows that they are joined ${late} ms after it has happened`);
  assert.ok(late >= 0 && late < 2000, `${late} ms`);
  await context.close();
  done("the demo's call, live, until the person and the owner are joined");
}

const stops = [() => browser.close()];
const own = async (thing) => {
  const started = await thing;
  stops.push(() => (started.stop ?? started.close).call(started));
  return started;
};
try {
  if (!fast) await demoCall(await own(startDemo()));
  const [box, provider, phone] = [await own(startBox()), await own(new Provider().open()), await own(new Phone().open())];
  const context = await window();
  let page = await firstRun(context, box, provider, phone);
  await holdAndTake(page, box, provider, phone);
  if (fast) await everyPage(page, box, ["de"], { phone: { width: 320, height: 640 } }, ["light"]);
  else await everyPage(page, box, ["en", "de"], { small: { width: 320, height: 640 }, ...SIZES }, ["light", "dark"]);
  await comesBack(page, box);
  await changes(page, box, provider);
  await german(box);
  await token(page, box);
  await assistant(page, box, provider, phone);
  if (!fast) {
    await backup(page, box);
    await weight(context, box);
    await page.goto(box.page);
    await press(page, "Log out");
    await heading(page, "Log in").waitFor();
    await lookAround(page, "the login", "login");
    page = await logIn(context, box.page, OWN);
    await withoutScript(context, box);
  }
  assert.deepEqual(errors, []);
  console.log(`e2e: all well; pictures in ${pictures}`);
} catch (error) {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    console.error(`${page.url()} says:\n${await page.locator("body").innerText()}\n`);
    await picture(page, "failed");
  }
  throw error;
} finally {
  for (const stop of stops.reverse()) await stop();
}
