// Comfort only: every page works without it. It saves a round trip, a hand movement, or the place where one was.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // A theme is applied at once; the server keeps the choice.
  all("[data-theme-choice]").forEach((form) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = event.submitter.value;
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    all("[name=theme]").forEach((button) => button.setAttribute("aria-pressed", String(button.value === theme)));
    fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)), redirect: "manual" });
  }));

  // What a choice changes is sent at once.
  all("[data-submit]").forEach((field) => field.addEventListener("change", () => field.form.requestSubmit()));

  // A toast stays until it is dismissed: nobody has to be quick.
  document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());

  // An open menu closes with Escape or a click elsewhere.
  const closeMenus = (except) => all("details.filter[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.filter")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.filter[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // Steppers: the field works alone, the buttons step it; by one where any value may stand, which stepUp refuses.
  const within = (field, value) => Math.max(field.min === "" ? value : +field.min, Math.min(field.max === "" ? value : +field.max, value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".step button");
    if (!button) return;
    const field = button.parentElement.querySelector("input");
    const stepped = Number(field.value) + Number(button.value) * (Number(field.step) || 1);
    field.value = String(within(field, Math.round(stepped * 1e6) / 1e6));
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
  });
  document.addEventListener("input", (event) => {
    const field = event.target;
    field.closest(".step")?.classList.toggle("is-changed", field.value !== field.defaultValue);
  });

  // Rows that are chosen: all at once, and how many there are.
  const tally = () => all("[data-tally]").forEach((out) => {
    out.textContent = String(all("[data-rows] tbody input[type=checkbox]:checked").length);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-check-all]")) {
      all("tbody input[type=checkbox]", event.target.closest("table")).forEach((box) => { box.checked = event.target.checked; });
    }
    if (event.target.matches("input[type=checkbox]")) tally();
  });

  // Keys: / searches, j and k walk the rows, a and r act on the row or the card that one is at. Never while typing.
  const here = () => all("[data-rows] tbody tr").find((row) => row.contains(document.activeElement)) || document;
  document.addEventListener("keydown", (event) => {
    if (root.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [popover]")) return;
    if (event.key === "/") {
      const field = [...all("main [data-search]"), ...all("[data-search]")].find((one) => one.offsetParent !== null);
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    } else if (event.key === "j" || event.key === "k") {
      const links = all("[data-rows] tbody th a");
      const at = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
      const next = links[Math.min(links.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
      next?.focus();
      next?.closest("tr").scrollIntoView({ block: "nearest" });
      if (!links.length) document.querySelector(event.key === "j" ? "a[data-next]" : "a[data-previous]")?.click();
    } else if (event.key === "a" || event.key === "r") {
      const button = here().querySelector(`[data-key="${event.key}"]`);
      if (button) { event.preventDefault(); button.click(); }
    }
  });

  // The tab one is on is in sight, also where the row of tabs is wider than the window.
  all(".tabs").forEach((tabs) => {
    const on = tabs.querySelector("[aria-current]");
    if (on) tabs.scrollLeft += on.getBoundingClientRect().left - tabs.getBoundingClientRect().left - (tabs.clientWidth - on.offsetWidth) / 2;
  });

  // An address may ask a question: /leads/1#return opens it.
  const asked = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (asked && asked.matches?.("dialog[popover]")) { history.replaceState(null, "", location.pathname + location.search); asked.showPopover(); }
  document.querySelector("dialog[popover][data-again]")?.showPopover();  // what was entered there was refused

  // After an action the page comes back where it was: same place, same row, same focus.
  const place = "leadscore-place";
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    const row = event.submitter?.closest("tr");
    const rows = row ? [...row.parentElement.children] : [];
    sessionStorage.setItem(place, JSON.stringify({
      path: location.pathname, y: scrollY, row: rows.indexOf(row), id: event.submitter?.closest("[id]")?.id || "",
    }));
  });
  const kept = sessionStorage.getItem(place);
  if (kept) {
    sessionStorage.removeItem(place);
    const was = JSON.parse(kept);
    if (was.path === location.pathname && !location.hash) {
      scrollTo({ top: was.y, behavior: "instant" });
      const links = all("[data-rows] tbody th a");
      const target = was.row >= 0 ? links[Math.min(was.row, links.length - 1)] : document.getElementById(was.id);
      target?.focus({ preventScroll: true });
    }
  }
})();
