// Everything works without this file. It keeps what is being typed on this phone, sends it once when the network comes back,
// counts characters and scales pictures down before they are sent.
"use strict";
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Faults first: the summary takes the focus, and the title says so.
  const summary = one("#summary");
  if (summary) summary.focus();

  // Keys of an input method (pinyin) are no keys of ours: Enter chooses a character there.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229) && event.target.matches("input")) {
      event.preventDefault();
    }
  }, true);

  // Characters written, counted as people count them.
  for (const counter of all("[data-counts]")) {
    const area = document.getElementById(counter.dataset.counts);
    const count = () => { counter.textContent = counter.dataset.words.replace("{n}", [...area.value.trim()].length); };
    if (area) { area.addEventListener("input", count); count(); counter.hidden = false; }
  }

  // What is typed stays on this phone until the server has it, seven days at most.
  const KEY = "fangxin.typed.", DAYS = 7 * 864e5;
  const store = (() => { try { localStorage.setItem("fangxin.t", "1"); localStorage.removeItem("fangxin.t"); return localStorage; } catch { return null; } })();
  const forget = () => store && Object.keys(store).filter((key) => key.startsWith("fangxin.")).forEach((key) => store.removeItem(key));
  if (store) {
    for (const key of Object.keys(store).filter((key) => key.startsWith(KEY))) {
      try { if (Date.now() - JSON.parse(store[key]).at > DAYS) store.removeItem(key); } catch { store.removeItem(key); }
    }
    if (one("[data-forget]")) forget();
    for (const button of all("[data-clear]")) button.addEventListener("click", forget);
  }

  const form = one("form[data-keep]");
  if (!form) { register(); return; }
  const key = KEY + location.pathname;
  const status = one("[data-status]");
  const say = (words) => { if (status && words) { status.textContent = words; status.parentElement.hidden = false; } };
  const words = form.dataset;

  if (store) {
    let kept = null;
    try { kept = JSON.parse(store[key] || "null"); } catch { kept = null; }
    if (kept) {
      for (const [name, value] of Object.entries(kept.fields)) {
        const field = form.elements[name];
        if (field && "value" in field && !field.value && field.type !== "hidden") field.value = value;
      }
    }
    const keep = () => {
      const fields = {};
      for (const [name, value] of new FormData(form)) if (typeof value === "string" && value && name !== "form") fields[name] = value;
      try { store[key] = JSON.stringify({ at: Date.now(), fields }); } catch { /* full or forbidden: the server still keeps it */ }
    };
    form.addEventListener("input", keep);
  }

  // The outbox: what couldn't be sent waits, and is sent once when the network is back. The server knows a resend by the
  // draft's key, so that an answer lost on the way makes no second case.
  let sending = false, waiting = false;
  const send = async () => {
    if (sending) return;
    sending = true;
    const button = one("button[type=submit], button:not([type])", form);
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.action || location.href, { method: "POST", body, redirect: "follow", credentials: "same-origin", headers: { accept: "text/html" } });
      waiting = false;
      if (store) { store.removeItem(key); store.removeItem("fangxin.outbox"); }
      if (answer.redirected) { location.assign(answer.url); return; }
      document.open(); document.write(await answer.text()); document.close();
    } catch {
      waiting = true;
      if (store) store["fangxin.outbox"] = location.pathname;
      say(words.waiting);
      if (button) button.textContent = words.retry;
    } finally { sending = false; }
  };
  // Sent doesn't mean taken: what was typed goes only when the server shows another page.
  if (store && store["fangxin.sent"]) {
    if (store["fangxin.sent"] !== key) store.removeItem(store["fangxin.sent"]);
    store.removeItem("fangxin.sent");
  }
  form.addEventListener("submit", (event) => {
    if (navigator.onLine && !waiting) { if (store) store["fangxin.sent"] = key; return; }
    event.preventDefault();
    send();
  });
  const again = () => { if (waiting && navigator.onLine) send(); };
  addEventListener("online", again);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
  if (!navigator.onLine) say(words.offline);
  else if (store && store["fangxin.outbox"] === location.pathname && !summary) send();
  register();

  function register() {
    if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});
  }
})();
