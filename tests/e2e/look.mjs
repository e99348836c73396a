// Looking at a page: its faults of accessibility, whether it fits, and a picture of it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "./household.mjs";

const require = createRequire(path.join(root, ".cache/browser/package.json"));
export const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
export const pictures = process.env.PICTURES ?? path.join(root, "target/e2e");
mkdirSync(pictures, { recursive: true });

/** Nothing in it is wider than the window. */
export async function fits(page, where) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll, pre, .skip, .unseen") && e.getBoundingClientRect().right > width + 1);
    return wide.map((e) => `<${e.tagName.toLowerCase()} class="${e.className}"> ${e.textContent.slice(0, 60)}`);
  });
  assert.deepEqual(over, [], `${where} is too wide`);
}

export async function faults(page, where) {
  // By the protocol: the page's own policy forbids scripts within it, as it should.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary)])))",
    awaitPromise: true,
  });
  await session.detach();
  const found = JSON.parse(result.value);
  assert.deepEqual(found, [], `${where}: ${JSON.stringify(found, null, 1)}`);
}

export const picture = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });

/** All of the page, with what is folded up. */
export async function look(page, where, name) {
  await fits(page, where);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await fits(page, `${where}, unfolded`);
  await faults(page, where);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = false; }));
  await picture(page, name);
}
