// The threshold slider of the page that has not moved to the components yet.
"use strict";
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
