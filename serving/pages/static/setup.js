// The page of the first run: looks again every second while something is at work, and takes dropped files.
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  const busy = () => live && live.getAttribute("aria-busy") === "true";
  const look = async () => {
    try {
      const answer = await fetch("/setup", { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-live]");
      if (!now || now.dataset.live !== live.dataset.live) return location.reload();
      live.replaceChildren(...now.childNodes);
    } catch { /* the server is busy or away: the next look may find it */ }
    if (busy()) setTimeout(look, 1000);
  };
  if (busy()) setTimeout(look, 1000);

  const form = document.querySelector("[data-drop]");
  const input = form && form.querySelector("input[type=file]");
  if (!input) return;
  const over = (on) => (event) => { event.preventDefault(); form.classList.toggle("is-over", on); };
  form.addEventListener("dragover", over(true));
  form.addEventListener("dragleave", over(false));
  form.addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });
})();
