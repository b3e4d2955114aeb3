// Before the first paint: the theme chosen last, if any.
"use strict";
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch (error) {
  document.documentElement.dataset.theme = "";
}

// What a script does at once needs no button.
document.documentElement.classList.add("js");
