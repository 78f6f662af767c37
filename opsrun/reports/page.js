"use strict";
// Everything is there without this: it filters, opens and closes, and names what the pointer is on.
(function () {
  const all = (query, from) => Array.from((from || document).querySelectorAll(query));
  const tools = document.getElementById("tools");
  if (tools) {
    const words = tools.querySelector("input[type=search]");
    const only = tools.querySelector("input[type=checkbox]");
    const told = tools.querySelector("output");
    const rows = all("#hosts tbody tr, #hosts .chips li");
    const texts = rows.map((row) => (row.querySelector("th") || row).textContent.toLowerCase());
    const filter = () => {
      const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        const fits = wanted.every((word) => texts[index].includes(word));
        row.hidden = !fits || (only.checked && !row.hasAttribute("data-bad"));
        shown += row.hidden ? 0 : 1;
      });
      told.textContent = shown === rows.length ? "" : shown + " of " + rows.length + " shown";
    };
    words.addEventListener("input", filter);
    only.addEventListener("change", filter);
    tools.hidden = false;
    filter();
  }
  const marks = {};
  all(".legend li").forEach((each) => {
    marks[each.querySelector("b").textContent] = each.querySelector("span").textContent;
  });
  const heads = all("#hosts thead tr:last-child th a").map((each) => each.title);
  const table = document.querySelector("#hosts table");
  if (table) {
    table.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("td");
      if (cell && !cell.title) {
        const name = cell.parentElement.querySelector("th [data-names], th").textContent;
        cell.title = heads[cell.cellIndex - 1] + "\n" + name.slice(0, 200) + "\n" +
          (marks[cell.textContent.trim()] || "");
      }
    });
  }
  const folding = document.getElementById("folding");
  if (folding) {
    folding.hidden = false;
    folding.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) all("#tasks details").forEach((each) => { each.open = button.value === "open"; });
    });
  }
  const reveal = () => {
    let each = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!each) return;
    for (let above = each; above; above = above.parentElement) {
      if (above.tagName === "DETAILS") above.open = true;
    }
    each.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
