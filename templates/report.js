"use strict";
// Everything stands in the page without this script. It adds sorting, a filter for classes,
// what a matrix cell says when pointed at, links to copy, and the place in the outline.
// No data is ever part of it, it stores nothing, and it asks for nothing from anywhere.
(function () {
  const status = document.getElementById("status");
  const say = (text) => { status.textContent = text; };

  // Sorting: a button in each column head; exact values in data-v; undefined values last.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  function valueOf(cell) {
    const exact = cell.getAttribute("data-v");
    if (exact === null) return cell.textContent.trim();
    return exact === "" ? null : Number(exact);
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
  }

  function sortBy(table, head, direction) {
    const body = table.tBodies[0];
    const column = head.cellIndex;
    const rows = Array.from(body.rows, (row) => [valueOf(row.cells[column]), row]);
    const known = rows.filter((entry) => entry[0] !== null);
    const unknown = rows.filter((entry) => entry[0] === null);
    known.sort((a, b) => direction * compare(a[0], b[0]));
    const sorted = document.createDocumentFragment();
    for (const entry of known.concat(unknown)) sorted.append(entry[1]);
    body.append(sorted);
  }

  function makeSortable(table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        sortBy(table, head, ascending ? 1 : -1);
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        say("Sorted by " + button.textContent + (ascending ? ", ascending" : ", descending"));
      });
    }
  }

  document.querySelectorAll("table.sort").forEach(makeSortable);

  // Filter: rows whose class name holds the words, in all tables of the section.
  const filter = document.getElementById("filter");

  const matches = (n) => n + (n === 1 ? " class matches" : " classes match");

  function applyFilter() {
    const wanted = filter.value.trim().toLocaleLowerCase();
    let shown = 0;
    document.querySelectorAll("table.filtered").forEach((table, position) => {
      for (const row of table.tBodies[0].rows) {
        const hit = row.cells[0].textContent.toLocaleLowerCase().includes(wanted);
        row.hidden = !hit;
        if (hit && position === 0) shown += 1;
      }
    });
    say(wanted === "" ? "All classes are shown" : matches(shown));
  }

  // Above 2,000 classes not all have a row: the rest are looked up in an inert list.
  const list = document.getElementById("all-classes");
  const found = document.getElementById("found");
  const limit = 20;

  function lookUp() {
    const wanted = filter.value.trim().toLocaleLowerCase();
    const all = JSON.parse(list.textContent);
    const hits = all.filter((entry) => entry[0].toLocaleLowerCase().includes(wanted));
    const body = found.querySelector("tbody");
    body.replaceChildren();
    for (const entry of wanted === "" ? [] : hits.slice(0, limit)) {
      const row = body.insertRow();
      entry.forEach((text, column) => {
        const cell = document.createElement(column === 0 ? "th" : "td");
        if (column === 0) cell.scope = "row"; else cell.className = "num";
        cell.textContent = text;
        row.append(cell);
      });
    }
    found.hidden = body.rows.length === 0;
    say(wanted === "" ? "" : matches(hits.length) + ", " + body.rows.length + " are shown");
  }

  if (filter) {
    filter.closest("[hidden]").hidden = false;
    filter.addEventListener("input", list ? lookUp : applyFilter);
  }

  // A link to a class that the filter hides shows it again.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.hidden && filter) {
      filter.value = "";
      applyFilter();
      target.scrollIntoView();
    }
  });

  // Matrix cells say what they mean: "true cat, called dog: 126".
  document.querySelectorAll("table.m").forEach((table) => {
    const heads = table.tHead.rows[table.tHead.rows.length - 1].cells;
    table.tBodies[0].addEventListener("pointerover", (event) => {
      const cell = event.target.closest("td");
      if (!cell || cell.title || cell.classList.contains("n")) return;
      const row = cell.parentElement.cells[0].textContent;
      cell.title = "true " + row + ", called " + heads[cell.cellIndex].textContent
        + ": " + cell.textContent;
    });
  });

  // Copy a link; where the clipboard is closed, the address bar has it.
  document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const id = button.getAttribute("data-copy");
      const address = location.href.split("#")[0] + "#" + id;
      const fallback = () => { location.hash = id; say("The link is in the address bar"); };
      if (!navigator.clipboard) { fallback(); return; }
      navigator.clipboard.writeText(address).then(() => say("Link copied"), fallback);
    });
  });

  // The outline marks the section that is being read.
  const links = new Map();
  document.querySelectorAll(".outline a").forEach((link) => {
    links.set(document.getElementById(link.hash.slice(1)), link);
  });
  const visible = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) visible.add(entry.target); else visible.delete(entry.target);
    }
    let first = true;
    for (const [section, link] of links) {
      const here = first && visible.has(section);
      if (here) { link.setAttribute("aria-current", "true"); first = false; }
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -55% 0px" });
  for (const section of links.keys()) watcher.observe(section);
})();
