// Comfort only: every page works without it.
"use strict";
const root = document.documentElement;
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

document.getElementById("theme")?.addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

for (const field of document.querySelectorAll("select[data-submit]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// j and k walk the list, / goes to the search.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    document.getElementById("search")?.focus();
    event.preventDefault();
  }
  if (event.key !== "j" && event.key !== "k") return;
  const links = [...document.querySelectorAll("a.name")];
  const at = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(links.length - 1, event.key === "j" ? at + 1 : at - 1))]?.focus();
});

// The threshold slider: figures of every workload are in the page, moving only shows them.
const slider = document.getElementById("workload");
if (slider) {
  const rows = JSON.parse(document.getElementById("curves").textContent);
  const show = () => {
    const row = rows[Number(slider.value)];
    for (const [name, text] of Object.entries(row)) {
      for (const cell of document.querySelectorAll(`[data-show="${name}"]`)) cell.textContent = text;
    }
    slider.setAttribute("aria-valuetext", `${row.workload} ${slider.dataset.unit}`);
  };
  slider.addEventListener("input", show);
  show();
}
