// The page in a browser: the demo's call seen live and taken, every page without a fault of accessibility, its weight and
// first paint, and pictures of it. `make e2e`; PROGRAM=… another build, PICTURES=… where the pictures go.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import assert from "node:assert/strict";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const require = createRequire(path.join(root, ".cache/browser/package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const program = process.env.PROGRAM ?? path.join(root, "target/debug/hold-slayer");
const pictures = process.env.PICTURES ?? path.join(root, "target/e2e");
mkdirSync(pictures, { recursive: true });

const WAIT = 60_000;
const PAGES = ["/", "/history", "/flows", "/statistics", "/phones", "/access", "/settings", "/setup", "/privacy", "/backup", "/companies", "/logs"];

/** Starts the demo; resolves when it has told its page, password and token. */
function start() {
  const demo = spawn(program, ["demo"], { env: { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "" } });
  const told = new Promise((resolve, reject) => {
    let text = "";
    demo.stdout.on("data", (bytes) => {
      text += bytes;
      const find = (words) => text.match(words)?.[1];
      const page = find(/page: (http\S+)/), password = find(/this once: (\S+)/), token = find(/token: (\S+)/);
      if (page && password && token) resolve({ page, password, token });
    });
    demo.on("exit", () => reject(new Error(`the demo has ended: ${text}`)));
  });
  return { demo, told };
}

/** A port that is free at this moment. */
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** An ordinary box with a configuration of its own, for as long as it is looked at. */
async function household() {
  const folder = mkdtempSync(path.join(tmpdir(), "hold-slayer-e2e-"));
  const [sip, web] = [await freePort(), await freePort()];
  const file = path.join(folder, "hold-slayer.toml");
  writeFileSync(file, `[sip]\nlisten = "127.0.0.1:${sip}"\n[web]\nlisten = "127.0.0.1:${web}"\n[media]\ncalls = 2\nrtp_ports = 42000\n` +
    `[[trunk]]\nname = "home"\nserver = "127.0.0.1:9"\nuser = "u"\nsecret = "secret"\n`);
  const box = spawn(program, ["run", "--config", file, "--data", folder]);
  const code = await new Promise((resolve, reject) => {
    let text = "";
    box.stdout.on("data", (bytes) => {
      text += bytes;
      const found = text.match(/somebody has it: (\S+)/)?.[1];
      if (found) resolve(found);
    });
    box.on("exit", () => reject(new Error(`the box has ended: ${text}`)));
  });
  return { box, folder, page: `http://127.0.0.1:${web}`, code };
}

/** The first run: the code and a password of one's own. */
async function claim(context, { page: base, code }) {
  const page = await context.newPage();
  await page.goto(base);
  await page.getByRole("heading", { name: "Your new box" }).waitFor();
  await page.screenshot({ path: path.join(pictures, "claim-phone-light.png"), fullPage: true });
  await faults(page, "claiming");
  await page.getByLabel("Code").fill("aaaa-aaaa");
  await page.getByLabel("New password").fill("my own password");
  await page.getByRole("button", { name: "Claim this box" }).click();
  await page.getByText("This is not the code").waitFor();
  await page.getByLabel("Code").fill(code);
  await page.getByLabel("New password").fill("my own password");
  await page.getByRole("button", { name: "Claim this box" }).click();
  await page.getByRole("heading", { name: "Call from here" }).waitFor();
  return page;
}

async function logIn(context, { page: base, password }) {
  const page = await context.newPage();
  await page.goto(`${base}/login`);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Call from here" }).waitFor();
  return page;
}

async function fits(page, where) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${where} is ${over} px too wide`);
}

async function faults(page, where) {
  // By the protocol: the page's own policy forbids scripts within it, as it should.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary)])))",
    awaitPromise: true,
  });
  const found = JSON.parse(result.value);
  assert.deepEqual(found, [], `${where}: ${JSON.stringify(found, null, 1)}`);
}

const { demo, told } = start();
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
let house;
try {
  const shown = await told;
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const errors = [];
  // A refusal that was provoked is told by the browser, too, and that the box was away while it started anew.
  const expected = /status of (403|409)|ERR_CONNECTION_REFUSED/;
  context.on("console", (message) => { if (message.type() === "error" && !expected.test(message.text())) errors.push(message.text()); });
  context.on("weberror", (error) => errors.push(String(error.error())));
  let page = await logIn(context, shown);

  // The call of the demo, live: the page changes by itself.
  await page.getByRole("heading", { name: "Waiting on hold for you" }).waitFor({ timeout: WAIT });
  await page.screenshot({ path: path.join(pictures, "hold-phone-light.png"), fullPage: true });
  await fits(page, "a held call");
  await faults(page, "a held call");
  const seen = await page.evaluate(async () => {
    const status = await (await fetch("/api/v1/status")).json();
    return status.calls.length;
  });
  assert.equal(seen, 1);

  house = await household();
  const box = house;
  page = await claim(context, box);

  for (const [size, viewport] of Object.entries({ phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } })) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      for (const where of PAGES) {
        await page.goto(box.page + where);
        await fits(page, `${where} on a ${size}`);
        for (const details of await page.locator("details").all()) await details.evaluate((d) => { d.open = true; });
        await faults(page, `${where} (${size}, ${colorScheme})`);
        for (const details of await page.locator("details").all()) await details.evaluate((d) => { d.open = false; });
        const name = where.slice(1) || "home";
        await page.screenshot({ path: path.join(pictures, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
  }

  // A token made on the page works, and can be taken away.
  await page.goto(`${box.page}/access`);
  await page.getByLabel("What it is for").fill("browser test");
  await page.getByRole("button", { name: "Make" }).click();
  const token = await page.locator("code.token").innerText();
  const ask = () => fetch(`${box.page}/api/v1/devices`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask()).status, 200);
  await page.getByRole("button", { name: "Take away browser test" }).click();
  await page.waitForURL("**/access");
  assert.equal((await ask()).status, 401);

  // A backup is made and brought back; the box starts anew with it, and its password is the old one.
  await page.goto(`${box.page}/backup`);
  await page.getByLabel("Password of the backup").fill("a password apart");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Make and download" }).click()]);
  const backup = path.join(box.folder, "evening.backup");
  await download.saveAs(backup);
  const settings = path.join(box.folder, "hold-slayer.toml");
  const before = readFileSync(settings, "utf8");
  writeFileSync(settings, before.replace('"home"', '"another"'));
  await page.goto(`${box.page}/backup`);
  await page.getByLabel("The file").setInputFiles(backup);
  await page.getByLabel("Its password").fill("another password");
  await page.getByRole("button", { name: "Replace everything" }).click();
  await page.getByText("This is not the password of this backup.").waitFor();
  await page.getByLabel("The file").setInputFiles(backup);
  await page.getByLabel("Its password").fill("a password apart");
  await page.getByRole("button", { name: "Replace everything" }).click();
  await page.getByRole("heading", { name: "The backup is good" }).waitFor();
  await page.screenshot({ path: path.join(pictures, "restored.png"), fullPage: true });
  await page.waitForFunction(() => document.querySelector("h1")?.textContent !== "The backup is good", null, { timeout: WAIT });
  assert.equal(readFileSync(settings, "utf8"), before);
  if (page.url().endsWith("/login")) {
    await page.getByLabel("Password", { exact: true }).fill("my own password");
    await page.getByRole("button", { name: "Log in" }).click();
  }
  await page.getByRole("heading", { name: "Call from here" }).waitFor();

  // Weight and first paint as a phone on a slow line sees them.
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
  console.log(`home page: ${bytes} bytes, first paint after ${Math.round(paint)} ms on a slow line and processor`);
  assert.ok(bytes <= 100_000, `the home page has ${bytes} bytes`);

  // Logging out and in again with the password that was chosen.
  await page.goto(box.page);
  await page.getByRole("button", { name: "Log out" }).click();
  page = await logIn(context, { page: box.page, password: "my own password" });

  // Without script everything can be read.
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const still = await plain.newPage();
  await still.goto(box.page);
  assert.ok(await still.getByRole("heading", { name: "Call from here" }).isVisible());

  assert.deepEqual(errors, []);
  console.log(`e2e: all well; pictures in ${pictures}`);
} finally {
  await browser.close();
  demo.kill("SIGINT");
  house?.box.kill("SIGTERM");
  if (house) rmSync(house.folder, { recursive: true, force: true });
}
