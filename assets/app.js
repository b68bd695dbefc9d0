// Everything works without this file.
"use strict";
(() => {
  // Faults first: the summary takes the focus.
  const summary = document.querySelector("#summary");
  if (summary) summary.focus();

  // While an input method (pinyin) composes, Enter chooses a character: it must not send the form.
  document.addEventListener("keydown", (event) => {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && composing && event.target.matches("input")) event.preventDefault();
  }, true);

  // Keeps the look and one page for when there is no network; nothing of anyone's own.
  if ("serviceWorker" in navigator && isSecureContext) navigator.serviceWorker.register("/sw.js").catch(() => {});
})();
