// The desk works without this file: it adds keys and tells of what came in.
"use strict";
(() => {
  const byKeys = document.body.dataset.keys === "on";
  const rows = () => [...document.querySelectorAll("#rows > li > a")];

  const meanwhile = document.querySelector("#meanwhile");
  if (meanwhile) meanwhile.focus();

  // Moves through the queue: the row that has the focus, else the case that is shown.
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    let at = all.indexOf(document.activeElement);
    if (at < 0) at = all.findIndex((row) => row.getAttribute("aria-current"));
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const select = () => {
    const row = document.activeElement && document.activeElement.closest("#rows > li");
    const box = row && row.querySelector("input[type=checkbox]");
    if (box) box.click();
  };

  const go = (address) => () => { location.href = address; };
  const acts = {
    j: () => move(1), k: () => move(-1), x: select, g: go("/desk"), n: go("/desk/new"), "?": go("/desk/keys"),
    "/": () => { const search = document.querySelector("#q"); if (search) { search.focus(); search.select(); } },
  };

  document.addEventListener("keydown", (event) => {
    // While an input method composes, or something is typed, or with a modifier, keys are not ours.
    if (!byKeys || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at.closest && at.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) {
      if (event.key === "Escape") at.blur();
      return;
    }
    const step = /^[1-9]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
    if (step) { event.preventDefault(); step.click(); return; }
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // What came in since waits in a bar: rows never jump under a hand. A page that isn't seen doesn't listen.
  const bar = document.querySelector("#new-bar");
  const shown = document.querySelector("[data-case]");
  let events = null;
  const tell = (count) => {
    bar.textContent = "";
    if (!count) return;
    const link = document.createElement("a");
    link.href = location.href.replace(/#.*$/, "");
    link.textContent = bar.dataset.show;
    bar.append(bar.dataset.words.replace("%", count) + " ", link);
  };
  const listen = () => {
    if (!bar || !window.EventSource) return;
    if (document.hidden) { if (events) { events.close(); events = null; } return; }
    if (events) return;
    const question = new URLSearchParams();
    if (bar.dataset.after) question.set("after", bar.dataset.after);
    if (shown) question.set("case", shown.dataset.case);
    events = new EventSource("/api/v1/queue/stream?" + question);
    events.addEventListener("queue", (event) => tell(JSON.parse(event.data).new));
    events.addEventListener("case", (event) => {
      const moved = document.querySelector("#moved");
      if (moved && JSON.parse(event.data).version !== Number(shown.dataset.version)) moved.hidden = false;
    });
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => { if (events) events.close(); events = null; });
  listen();

  // A menu closes when one goes elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
})();
