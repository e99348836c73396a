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

  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      if (answer.status === 401) { location.href = "/login"; return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      const focused = live().contains(document.activeElement) ? document.activeElement.id : "";
      const open = live().querySelector("details")?.open;
      skew = Number(fresh.dataset.now) - Date.now();
      live().replaceWith(document.adoptNode(fresh));
      if (open) live().querySelector("details")?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus();
      tick();
      tell();
    } catch { /* The event stream says when the box is back. */ } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  const events = new EventSource("/events");
  let down = 0;
  events.addEventListener("snapshot", () => { clearTimeout(down); down = 0; lost.hidden = true; refresh(); });
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) refresh();
    if (!down) down = setTimeout(() => { lost.hidden = false; }, 2500);
  };
  tick();
  tell();
  setInterval(tick, 1000);
  // The strip of a call grows while nothing else changes.
  setInterval(() => { if (document.querySelector("[data-since]") && !document.hidden) refresh(); }, 5000);
})();
