// Parts of a page that are worked out beside it: asks again every second, and puts each in its place once it is there.
"use strict";
(() => {
  const waiting = () => [...document.querySelectorAll("[data-late][aria-busy=true]")];
  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of waiting()) {
        const now = page.getElementById(part.id);
        if (now && now.getAttribute("aria-busy") !== "true") part.replaceWith(now);
      }
    } catch { /* the next look may find it */ }
    if (waiting().length) setTimeout(look, 1000);
  };
  if (waiting().length) setTimeout(look, 1000);
})();
