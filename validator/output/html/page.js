"use strict";
const filters = document.getElementById("filters");
const findings = [...document.querySelectorAll(".finding")];

function filter() {
  const levels = [...filters.querySelectorAll("input:checked")].map((box) => box.value);
  const code = filters.querySelector("select").value;
  let shown = 0;
  for (const finding of findings) {
    const { severity, code: own } = finding.dataset;
    finding.hidden = !levels.includes(severity) || (code !== "" && code !== own);
    shown += !finding.hidden;
  }
  for (const file of document.querySelectorAll(".file")) {
    file.hidden = file.querySelector(".finding:not([hidden])") === null;
  }
  filters.querySelector("output").value = `${shown} of ${findings.length} listed`;
}

// The code of a finding leads to its explanation, which opens in place.
function explain(event) {
  const link = event.target.closest("a.why");
  const source = link && document.getElementById(link.textContent);
  if (!source || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const finding = link.closest(".finding");
  const open = finding.querySelector(".explanation");
  if (open) {
    open.remove();
  } else {
    const copy = source.querySelector("div").cloneNode(true);
    copy.className = "explanation";
    finding.append(copy);
  }
  link.setAttribute("aria-expanded", String(!open));
}

if (filters) {
  for (const link of document.querySelectorAll("a.why")) link.setAttribute("aria-expanded", "false");
  filters.addEventListener("change", filter);
  filters.hidden = false;
  // By then a browser has restored the filters of a page that is loaded again.
  window.addEventListener("pageshow", filter);
  document.addEventListener("click", explain);
}
