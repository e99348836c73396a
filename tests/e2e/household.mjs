// The running box: the demo, or an ordinary one with a configuration of its own, for as long as it is looked at.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
const program = process.env.PROGRAM ?? path.join(root, "target/debug/hold-slayer");

/** Resolves with what `find` makes of what the program has said. */
function said(child, find) {
  return new Promise((resolve, reject) => {
    let text = "";
    const hear = (bytes) => {
      text += bytes;
      const found = find((words) => text.match(words)?.[1]);
      if (found) resolve(found);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", (bytes) => { text += bytes; });
    child.on("exit", () => reject(new Error(`it has ended: ${text}`)));
  });
}

/** The demo with its page, password and token. */
export async function startDemo() {
  const child = spawn(program, ["demo"], { env: { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "" } });
  const told = await said(child, (find) => {
    const page = find(/page: (http\S+)/), password = find(/this once: (\S+)/), token = find(/token: (\S+)/);
    return page && password && token ? { page, password, token } : undefined;
  });
  return { ...told, stop: () => child.kill("SIGINT") };
}

/** A port that is free at this moment. */
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** A box that nobody has set up: without a line, a phone and a password. */
export async function startBox() {
  const folder = mkdtempSync(path.join(tmpdir(), "hold-slayer-e2e-"));
  const [sip, web] = [await freePort(), await freePort()];
  // Below what systems hand out by themselves; the next to run takes others.
  const sound = 20_000 + 32 * Math.floor(Math.random() * 300);
  const file = path.join(folder, "hold-slayer.toml");
  writeFileSync(file, `# Of this house.\n[sip]\nlisten = "127.0.0.1:${sip}"   # the loopback alone\n[web]\nlisten = "127.0.0.1:${web}"\nlocal_name = ""\n` +
    `[media]\ncalls = 2\nrtp_ports = ${sound}\n# Not too long.\n[hold]\ncap = "2h"   # two hours\n`);
  const child = spawn(program, ["run", "--config", file, "--data", folder]);
  const code = await said(child, (find) => find(/somebody has it: (\S+)/));
  const stop = () => {
    child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  return { page: `http://127.0.0.1:${web}`, code, sip, folder, file, settings: () => readFileSync(file, "utf8"), stop };
}
