// The slider reads the table below the charts, so that page, table and slider cannot disagree; without it a button does.
"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const range = document.querySelector("[data-threshold]");
  if (!range) return;
  const rows = new Map(all("[data-threshold-rows] tbody tr").map((row) => [Number(row.dataset.score), row]));
  const nearest = (score) => [...rows.keys()].reduce((best, one) => (Math.abs(one - score) < Math.abs(best - score) ? one : best));

  const show = (asked) => {
    const score = nearest(asked);
    const row = rows.get(score);
    all("[data-show]").forEach((out) => {
      const cell = row.querySelector(`[data-key="${out.dataset.show}"]`);
      if (cell) out[out.tagName === "INPUT" ? "value" : "textContent"] = cell.textContent.trim();
    });
    const share = `${((score - range.min) / (range.max - range.min)) * 100}%`;
    all("[data-column]").forEach((bar) => bar.setAttribute("class", Number(bar.dataset.column) === score ? "column" : "column-quiet"));
    all("[data-marker]").forEach((mark) => mark.setAttribute("x", share));
    rows.forEach((one) => one.classList.toggle("is-here", one === row));
    all("[data-point]").forEach((point) => {
      if (Number(point.dataset.point) === score) point.setAttribute("aria-current", "true");
      else point.removeAttribute("aria-current");
    });
    const place = new URL(location.href);
    place.searchParams.set("score", String(score));
    history.replaceState(null, "", place);
  };

  range.addEventListener("input", () => show(Number(range.value)));
  all("[data-point]").forEach((point) => point.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    range.value = point.dataset.point;
    show(Number(range.value));
  }));
})();
