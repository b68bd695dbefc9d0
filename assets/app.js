// Everything works without this file. It keeps what is being typed on this device, sends it once when the network comes
// back, counts characters, and scales pictures down before they are sent.
"use strict";
(() => {
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Faults first: the summary takes the focus.
  const summary = one("#summary");
  if (summary) summary.focus();

  // While an input method (pinyin) composes, Enter chooses a character: it must not send the form.
  document.addEventListener("keydown", (event) => {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && composing && event.target.matches("input")) event.preventDefault();
  }, true);

  // Characters written, counted as people count them.
  for (const counter of all("[data-counts]")) {
    const area = document.getElementById(counter.dataset.counts);
    const count = () => { counter.textContent = counter.dataset.words.replace("{n}", [...area.value.trim()].length); };
    if (area) { area.addEventListener("input", count); count(); counter.hidden = false; }
  }
  for (const button of all("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // Pictures are sent no larger than they are looked at; drawing them anew also leaves out where they were taken.
  const SIDE = 2048;
  const shrink = async (file) => {
    if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return file;
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
    return blob ? new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }) : file;
  };
  for (const input of all("input[data-shrink]")) {
    input.addEventListener("change", async () => {
      const button = one("button[type=submit]", input.form);
      button.disabled = true;
      try {
        const smaller = new DataTransfer();
        for (const file of input.files) smaller.items.add(await shrink(file).catch(() => file));
        input.files = smaller.files;
      } finally { button.disabled = false; }
    });
  }

  // What is typed stays on this device until the server has it, seven days at most.
  const KEY = "fangxin.typed.", OUTBOX = "fangxin.outbox", SENT = "fangxin.sent", DAYS = 7 * 864e5;
  const store = (() => {
    try { localStorage.setItem("fangxin.t", "1"); localStorage.removeItem("fangxin.t"); return localStorage; } catch { return null; }
  })();
  const ours = (prefix) => Object.keys(store).filter((key) => key.startsWith(prefix));
  if (store) {
    for (const key of ours(KEY)) {
      try { if (Date.now() - JSON.parse(store[key]).at > DAYS) store.removeItem(key); } catch { store.removeItem(key); }
    }
    const forget = () => ours("fangxin.").forEach((key) => store.removeItem(key));
    if (one("[data-forget]")) forget();
    for (const button of all("[data-clear]")) button.addEventListener("click", forget);
    const banner = one("[data-outbox]");
    if (banner && store[OUTBOX]) { one("a", banner).href = store[OUTBOX]; banner.hidden = false; }
  }

  const form = one("form[data-keep]");
  if (form) keep(form);
  if (one("[data-offline]")) addEventListener("online", () => location.reload());
  // Keeps the look and one page for when there is no network; nothing of anyone's own.
  if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});

  function keep(form) {
    const key = KEY + location.pathname;
    const status = one("[data-status]", form);
    const button = one("button[type=submit]", form);
    const label = button.innerHTML;
    const mine = (name) => name !== "csrf_token" && name !== "version";
    if (store) {
      // Sent doesn't mean taken: what was typed goes when the server has led on to another page.
      const sent = store[SENT];
      if (sent && sent !== key) store.removeItem(sent);
      if (sent) store.removeItem(SENT);
      let kept = null;
      try { kept = JSON.parse(store[key] || "null"); } catch { kept = null; }
      for (const [name, value] of Object.entries(kept ? kept.fields : {})) {
        const field = form.elements[name];
        if (field && field.tagName && field.type !== "hidden" && !field.value) field.value = value;
      }
      for (const counter of all("[data-counts]")) document.getElementById(counter.dataset.counts).dispatchEvent(new Event("input"));
      form.addEventListener("input", () => {
        const fields = {};
        for (const [name, value] of new FormData(form)) if (typeof value === "string" && value && mine(name)) fields[name] = value;
        // Full or forbidden: the server still keeps it.
        try { store[key] = JSON.stringify({ at: Date.now(), fields }); } catch { /* nothing is lost by it */ }
      });
    }

    // The outbox: what couldn't be sent waits on this page, and is sent when the network is back. The server knows a filing
    // by its draft, so that an answer that was lost on the way makes no second case.
    let sending = false, waiting = false;
    const wait = () => {
      waiting = true;
      if (store) store[OUTBOX] = location.pathname;
      status.textContent = form.dataset.waiting;
      status.hidden = false;
      button.textContent = form.dataset.again;
    };
    const send = async () => {
      if (sending) return;
      sending = true;
      try {
        const body = new URLSearchParams(new FormData(form));
        const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
        waiting = false;
        if (store) { store.removeItem(OUTBOX); if (answer.redirected) store.removeItem(key); }
        if (answer.redirected) { location.assign(answer.url); return; }
        // Faults: the page is sent again as a form sends it, so that the browser shows the answer.
        status.hidden = true;
        button.innerHTML = label;
        form.submit();
      } catch { wait(); } finally { sending = false; }
    };
    form.addEventListener("submit", (event) => {
      if (navigator.onLine && !waiting) { if (store) store[SENT] = key; return; }
      event.preventDefault();
      send();
    });
    addEventListener("online", () => { if (waiting) send(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden && waiting && navigator.onLine) send(); });
    // The page was closed while something waited: it goes out now.
    if (store && store[OUTBOX] === location.pathname && !summary) { if (navigator.onLine) send(); else wait(); }
  }
})();
