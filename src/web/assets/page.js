// Keeps the start page fresh and its clocks running. Every page can be read and used without it.
"use strict";
(() => {
  const live = () => document.getElementById("live");
  if (!live()) return;
  const lost = document.getElementById("lost");
  const announce = document.getElementById("announce");
  const pageTitle = document.title;
  let skew = Number(live().dataset.now) - Date.now();
  let busy = false, again = false, said = "";

  const clock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };

  const tick = () => {
    for (const time of document.querySelectorAll("[data-since]")) {
      const text = clock(Date.now() + skew - Number(time.dataset.since));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // The headline of each call goes to the window's title and to screen readers, once for each change.
  const tell = () => {
    const titles = [...document.querySelectorAll("[data-title]")].map((h) => h.dataset.title).join(". ");
    if (titles === said) return;
    said = titles;
    announce.textContent = titles;
    document.title = titles ? `${titles} · Hold Slayer` : pageTitle;
  };

  // Makes `old` what `fresh` is, and leaves alone what has not changed: a button that is just being pressed, or has the focus,
  // must stay the same one. Elements are known by key, id or name; what is folded out stays so.
  const key = (node) => node.dataset?.key || node.id || node.nodeName;
  const patch = (old, fresh) => {
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      let same = at;
      while (same && key(same) !== key(next)) same = same.nextSibling;
      if (!same) { old.insertBefore(next, at); continue; }
      while (at !== same) { const gone = at; at = at.nextSibling; gone.remove(); }
      at = same.nextSibling;
      if (same.isEqualNode(next)) continue;
      if (same.nodeType === Node.ELEMENT_NODE) patch(same, next); else same.data = next.data;
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
  };

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      if (answer.status === 401) { location.href = "/login"; return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      skew = Number(fresh.dataset.now) - Date.now();
      patch(live(), fresh);
      tick();
      tell();
    } catch { /* The event stream says when the box is back. */ } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  let down = 0;
  const watch = () => {
    const events = new EventSource("/events");
    events.addEventListener("snapshot", () => { clearTimeout(down); down = 0; lost.hidden = true; refresh(); });
    events.onerror = () => {
      if (!down) down = setTimeout(() => { lost.hidden = false; }, 2500);
      // One that was refused is closed for good: the box starts anew, or too many watch. The page says whether we are logged out.
      if (events.readyState === EventSource.CLOSED) { refresh(); setTimeout(watch, 3000); }
    };
  };
  watch();
  tick();
  tell();
  setInterval(tick, 1000);
  // The strip of a call grows while nothing else changes.
  setInterval(() => { if (document.querySelector("[data-since]") && !document.hidden) refresh(); }, 5000);
})();

// A call that is listened to. Browsers hold such a stream back for many seconds before they play it, so it is played here
// piece by piece as it comes: WAV, 16 bit, one channel, 8,000 samples a second.
(() => {
  const place = document.getElementById("listen");
  if (!place) return;
  const RATE = 8000, HEADER = 44, AHEAD = 0.2;
  const button = place.querySelector("button"), [begin, end] = button.children, time = place.querySelector("[role=timer]");
  let stop = null;

  const play = async (signal, context) => {
    const answer = await fetch(place.dataset.sound, { cache: "no-store", signal });
    if (!answer.ok) return;
    const reader = answer.body.getReader();
    let rest = new Uint8Array(0), skip = HEADER, at = 0, heard = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const bytes = new Uint8Array(rest.length + piece.value.length);
      bytes.set(rest);
      bytes.set(piece.value, rest.length);
      const from = Math.min(skip, bytes.length), samples = (bytes.length - from) >> 1;
      skip -= from;
      rest = bytes.slice(from + 2 * samples);
      if (!samples) continue;
      const view = new DataView(bytes.buffer, from), buffer = context.createBuffer(1, samples, RATE), out = buffer.getChannelData(0);
      for (let i = 0; i < samples; i++) out[i] = view.getInt16(2 * i, true) / 32768;
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(context.destination);
      // Late: some silence, so that what follows comes without gaps.
      if (at < context.currentTime) at = context.currentTime + AHEAD;
      source.start(at);
      at += buffer.duration;
      heard += context.state === "running" ? buffer.duration : 0;
      time.textContent = `${Math.floor(heard / 60)}:${String(Math.floor(heard) % 60).padStart(2, "0")}`;
    }
  };

  const turn = (on) => { begin.hidden = on; end.hidden = !on; };
  const start = async () => {
    const abort = new AbortController(), context = new AudioContext();
    stop = () => abort.abort();
    turn(true);
    await play(abort.signal, context).catch(() => { /* It was stopped, or the box has gone. */ });
    await context.close();
    stop = null;
    turn(false);
  };
  button.addEventListener("click", () => { if (stop) stop(); else start(); });
  place.hidden = false;
  start();
})();

// An update that is sent: the file goes as it is, and how much of it has gone is shown.
(() => {
  const form = document.getElementById("update");
  if (!form) return;
  const { bundle, older, csrf } = form.elements, sent = document.getElementById("sent"), refused = document.getElementById("refused");
  const button = form.querySelector("button");
  const turn = (going) => { sent.hidden = !going; button.disabled = going; };
  const refuse = (words) => { turn(false); refused.textContent = words; refused.hidden = false; };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const ask = new XMLHttpRequest();
    ask.upload.addEventListener("progress", (far) => { sent.value = far.loaded / Math.max(far.total, 1); });
    ask.addEventListener("load", () => {
      if (ask.status < 300) { location.href = "/update"; return; }
      const page = new DOMParser().parseFromString(ask.responseText, "text/html");
      refuse(page.querySelector("[role=alert], main p")?.textContent ?? ask.statusText);
    });
    ask.addEventListener("error", () => refuse(document.getElementById("gone").textContent));
    ask.open("POST", older.checked ? "/update?older=true" : "/update");
    ask.setRequestHeader("X-CSRF-Token", csrf.value);
    ask.setRequestHeader("Content-Type", "application/octet-stream");
    refused.hidden = true;
    sent.value = 0;
    turn(true);
    ask.send(bundle.files[0]);
  });
})();
