// The draft is saved and tried while one types; without this the buttons do it. Nothing is replaced under a box in use.
"use strict";
(() => {
  const SAVE_AFTER = 700, ASK_AFTER = 900; // milliseconds
  let timer = 0, asking = 0, sending = false;
  const form = () => document.getElementById("rules");
  const changed = () => form() && [...form().querySelectorAll("input:not([type=hidden])")].some((box) => box.value !== box.defaultValue);

  const put = (html) => {
    const there = new DOMParser().parseFromString(html, "text/html");
    const next = there.querySelector("[data-live]"), now = document.querySelector("[data-live]");
    if (!next || !now) return false;
    const box = document.activeElement?.name, open = [...now.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
    document.querySelectorAll(".toast").forEach((one) => one.remove()); // what it says is over
    now.replaceWith(next);
    document.querySelector(".lede")?.replaceWith(there.querySelector(".lede"));
    const adopt = there.getElementById("adopt"), held = document.getElementById("adopt");
    if (adopt && held) held.replaceWith(adopt);
    else if (adopt) document.getElementById("main").append(adopt);
    next.querySelectorAll("details > summary").forEach((one) => { if (open.includes(one.textContent)) one.parentElement.open = true; });
    if (box) next.querySelector(`[name="${CSS.escape(box)}"]`)?.focus({ preventScroll: true });
    return true;
  };

  const ask = async () => {
    if (changed() || sending) { asking = setTimeout(ask, ASK_AFTER); return; }
    const answer = await fetch("/rubric", { headers: { accept: "text/html" } });
    if (answer.ok && !changed() && put(await answer.text())) wait();
  };
  const wait = () => {
    clearTimeout(asking);
    if (document.querySelector("[data-underway]")) asking = setTimeout(ask, ASK_AFTER);
  };

  // What was typed since stays in its box, and counts against what is saved by now.
  const keepShown = (html) => {
    const there = new DOMParser().parseFromString(html, "text/html").getElementById("rules");
    form().querySelectorAll("input[name]").forEach((box) => {
      const saved = there?.querySelector(`[name="${CSS.escape(box.name)}"]`);
      if (saved && box.name.startsWith("was.")) box.value = saved.value;
      else if (saved && box.type !== "hidden") box.defaultValue = saved.defaultValue;
    });
  };

  const save = async () => {
    if (!changed() || !form().checkValidity()) return;
    sending = true;
    const sent = new URLSearchParams(new FormData(form()));
    const before = sent.toString();
    sent.set("do", "saved");
    const answer = await fetch(form().action, { method: "POST", body: sent, headers: { accept: "text/html" } });
    sending = false;
    if (!answer.ok) { form().requestSubmit(); return; }
    const html = await answer.text();
    if (new URLSearchParams(new FormData(form())).toString() !== before) { keepShown(html); later(); return; }
    put(html);
    wait();
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(save, SAVE_AFTER); };

  document.addEventListener("input", (event) => { if (event.target.closest("#rules")) later(); });
  wait();
})();
