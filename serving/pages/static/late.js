// Parts of a page that are worked out beside it: asks again after seconds, and puts each in its place once it is there.
// What was decided and is being loaded changes the whole page: it is fetched anew, but never from under somebody's hands.
"use strict";
(() => {
  const waiting = () => [...document.querySelectorAll("[data-late][aria-busy=true]")];
  const isLoading = (page) => page.querySelector("#loading[aria-busy=true]") !== null;
  // what the slider writes is no text of anybody's
  const isChanged = (box) => !box.hasAttribute("data-show") && box.value !== box.defaultValue;
  const inUse = () => document.querySelector("dialog:popover-open") !== null || document.activeElement?.matches("input, select, textarea")
    || [...document.querySelectorAll("input:not([type=hidden], [type=range]), textarea")].some(isChanged);
  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && isLoading(document) && !isLoading(page) && !inUse()) {
        location.replace(location.pathname + location.search);
        return;
      }
      for (const part of waiting()) {
        const now = page.getElementById(part.id);
        if (now && now.getAttribute("aria-busy") !== "true") part.replaceWith(now);
      }
    } catch { /* the next look may find it */ }
    again();
  };
  let pause = 1000; // longer from look to look: what takes minutes is not asked for each second
  const again = () => {
    if (!waiting().length && !isLoading(document)) return;
    setTimeout(look, pause);
    pause = Math.min(pause * 1.3, 10_000);
  };
  again();
})();
