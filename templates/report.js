"use strict";
// The page is complete without this script. It adds sorting, search, orders and details of the
// matrix, keys, copies. It has no data of its own, stores nothing, and requests nothing.
(function () {
  const byId = (id) => document.getElementById(id);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const status = byId("status");
  const say = (text) => { status.textContent = text; };

  // ---- Sorting: a button in each column head; exact values in data-v; undefined values last.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const NUMBER = /^[<>]?[+-]?[\d,]+(\.\d+)?$/;

  // What a cell is sorted by: a number, null where it is undefined, else its text.
  function valueOf(cell) {
    const exact = cell.dataset.v;
    if (exact !== undefined) return exact === "" ? null : Number(exact);
    const text = cell.textContent.trim();
    if (text === "n/a" || text === "") return null;
    const bare = text.replace(/\u2212/g, "-").replace(/[\s\u00a0%]/g, "");
    return NUMBER.test(bare) ? Number(bare.replace(/[<>,]/g, "")) : text;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return collator.compare(a, b);
  }

  function sortBy(table, column, direction) {
    const body = table.tBodies[0];
    const known = [];
    const unknown = [];
    for (const row of Array.from(body.rows)) {
      const value = valueOf(row.cells[column]);
      if (value === null) unknown.push(row); else known.push([value, row]);
    }
    known.sort((a, b) => direction * compare(a[0], b[0]));
    const sorted = document.createDocumentFragment();
    for (const entry of known) sorted.append(entry[1]);
    for (const row of unknown) sorted.append(row);
    body.append(sorted);
  }

  function makeSortable(table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    for (const head of heads) {
      const name = head.textContent.trim();
      if (name === "") continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        sortBy(table, head.cellIndex, ascending ? 1 : -1);
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        say("Sorted by " + name + (ascending ? ", ascending" : ", descending"));
      });
    }
  }

  // A list can be sorted where each row has one cell for each head.
  function isList(table) {
    if (!table.tHead || table.tHead.rows.length !== 1 || table.tBodies.length !== 1) return false;
    const rows = table.tBodies[0].rows;
    const width = table.tHead.rows[0].cells.length;
    const even = (row) => row.cells.length === width;
    return rows.length > 1 && even(rows[0]) && even(rows[rows.length - 1]);
  }

  all("table.t:not(.fixed)").filter(isList).forEach(makeSortable);

  // ---- Filter: rows whose class name holds the words, in all tables of the section.
  const filter = byId("filter");
  const wantedWords = () => filter.value.trim().toLocaleLowerCase();
  const matches = (n) => n + (n === 1 ? " class matches" : " classes match");

  function applyFilter() {
    const wanted = wantedWords();
    let shown = 0;
    all("table.filtered").forEach((table, position) => {
      for (const row of table.tBodies[0].rows) {
        const hit = row.cells[0].textContent.toLocaleLowerCase().includes(wanted);
        row.hidden = !hit;
        if (hit && position === 0) shown += 1;
      }
    });
    say(wanted === "" ? "Showing all classes" : matches(shown));
  }

  // Above 200 classes not all have a row: the rest are looked up in an inert list.
  const list = byId("all-classes");
  const found = byId("found");

  function lookUp() {
    const wanted = wantedWords();
    const hits = held("all-classes").filter((e) => e[0].toLocaleLowerCase().includes(wanted));
    const body = found.querySelector("tbody");
    body.replaceChildren();
    for (const entry of wanted === "" ? [] : hits.slice(0, 20)) {
      classRow(body, entry);
    }
    found.hidden = body.rows.length === 0;
    say(wanted === "" ? "" : matches(hits.length) + ", " + body.rows.length + " are shown");
  }

  function classRow(body, entry) {
    const row = body.insertRow();
    entry.forEach((text, column) => {
      if (column) { cell("td", text, row).className = "num"; return; }
      const head = cell("th", "", row);
      head.scope = "row";
      const card = withCard().get(text);
      const name = cell(card === undefined ? "span" : "a", text, head);
      if (card === undefined) return;
      name.href = "#card-" + card;
      name.tabIndex = -1;
    });
  }

  let cardOf = null;  // class name to index, of the classes whose card is made when it is opened

  function withCard() {
    cardOf = cardOf || new Map((held("compact-cards") || []).map((one) => [one[1], one[0]]));
    return cardOf;
  }

  // All classes as one table, lowest recall first: built when it is first opened.
  const every = byId("every-class");

  function showEvery() {
    if (!every.open || every.querySelector("table")) return;
    const box = found.cloneNode(true);
    box.removeAttribute("id");
    box.hidden = false;
    box.classList.add("tall");
    box.setAttribute("aria-label", "All classes");
    const table = box.querySelector("table");
    table.tBodies[0].replaceChildren();
    for (const entry of held("all-classes")) classRow(table.tBodies[0], entry);
    makeSortable(table);
    every.append(box);
  }

  if (every) {
    every.hidden = false;
    every.addEventListener("toggle", showEvery);
  }

  if (filter) {
    filter.closest("[hidden]").hidden = false;
    filter.addEventListener("input", list ? lookUp : applyFilter);
  }

  // ---- Permalinks: what a link leads to is shown, whatever hides it.
  function reveal() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    let moved = false;
    for (let part = target; part; part = part.parentElement) {
      if (part.localName === "details" && !part.open) { part.open = true; moved = true; }
    }
    if (target.hidden && filter && !list) {
      filter.value = "";
      applyFilter();
      moved = true;
    }
    if (moved) target.scrollIntoView();
    for (const old of all(".here")) old.classList.remove("here");
    if (/^[cp]-/.test(target.id)) target.classList.add("here");
  }

  window.addEventListener("hashchange", reveal);

  // An enlarged picture of the matrix is closed by Escape.
  document.addEventListener("keydown", (event) => {
    const close = document.querySelector(".pics:target .unzoom");
    if (event.key === "Escape" && close) location.hash = close.hash;
  });
  reveal();

  // ---- Matrix: what a cell says: "true cat, predicted dog: 126 of 1,000 (12.6%)".
  const wholeNumber = (text) => Number(text.replace(/\D/g, ""));

  // As elsewhere in the page: only a true 0 reads 0, only a true 1 reads 100; ties go to even.
  function percent(part, whole) {
    if (part === 0 || part === whole) return part === 0 ? "0" : "100";
    const value = 100 * (part / whole);
    const text = (value % 1 === 0.25 ? value - 0.05 : value).toFixed(1);
    return text === "0.0" ? "<0.1" : text === "100.0" ? ">99.9" : text;
  }

  const partOf = (part, whole) => (
    part.toLocaleString("en") + " of " + whole.toLocaleString("en")
      + " (" + percent(part, whole) + "%)"
  );

  function nameOf(head) {
    const cut = head.querySelector("bdi[title]");
    return cut ? cut.title : head.textContent.trim();
  }

  // Heads of the last row: the corner, the classes, what ends the rows.
  const headsOf = (table) => table.tHead.rows[table.tHead.rows.length - 1].cells;
  const counts = byId("counts");
  const readout = counts && counts.closest(".scroll").previousElementSibling;
  const size = counts ? counts.tBodies[0].rows.length : 0;
  let order = Array.from({ length: size }, (_, i) => i);

  // Row and column of a cell among the classes as they stand; null outside of the matrix proper.
  function placeOf(cell) {
    if (!cell || cell.parentElement.parentElement.localName !== "tbody") return null;
    const place = [cell.parentElement.sectionRowIndex, cell.cellIndex - 1];
    return place[1] >= 0 && place[1] < size ? place : null;
  }

  function sentence(table, cell, place) {
    const heads = headsOf(table);
    const predicted = nameOf(heads[place[1] + 1]);
    const part = wholeNumber((cell.querySelector("b") || cell).textContent);
    const whole = wholeNumber(table.tBodies[0].rows[place[0]].cells[size + 1].textContent);
    const text = "true " + nameOf(heads[place[0] + 1]) + ", predicted " + predicted + ": ";
    if (whole === 0) return text + "the class has no samples";
    const column = cell.querySelector(".cp");
    const of = column && column.textContent !== "n/a" ? column.textContent + "%" : "";
    return text + partOf(part, whole)
      + (of ? "; " + of + " of all predicted " + predicted : "");
  }

  // What takes the focus in a cell: its link, where it has one.
  const handle = (cell) => cell.querySelector("a") || cell;
  let marked = [];

  function read(table, cell) {
    const place = placeOf(cell);
    if (!place) return;
    const text = sentence(table, cell, place);
    if (readout.textContent !== text) readout.textContent = text;
    readout.classList.add("live");
    for (const head of marked) head.classList.remove("at");
    marked = [cell.parentElement.cells[0], headsOf(table)[cell.cellIndex]];
    for (const head of marked) head.classList.add("at");
  }

  const MOVES = {
    ArrowLeft: (r, c) => [r, c - 1],
    ArrowRight: (r, c) => [r, c + 1],
    ArrowUp: (r, c) => [r - 1, c],
    ArrowDown: (r, c) => [r + 1, c],
    Home: (r, c, far) => [far ? 0 : r, 0],
    End: (r, c, far) => [far ? size - 1 : r, size - 1],
  };

  // Enter: a link is followed as it is; the diagonal leads to the class, other cells nowhere.
  function enter(cell, place) {
    if (cell.querySelector("a")) return false;
    if (place[0] === place[1] && byId("c-" + order[place[0]])) {
      location.hash = "c-" + order[place[0]];
    } else {
      readout.textContent += "; no examples for this pair";
    }
    return true;
  }

  // One stop for Tab in each table; the arrow keys move it.
  function makeReadable(table) {
    const body = table.tBodies[0];
    const box = table.closest(".scroll");
    let stop = null;

    function stopAt(cell) {
      if (stop) handle(stop).tabIndex = -1;
      stop = cell;
      handle(stop).tabIndex = 0;
    }

    for (const link of all("a", body)) link.tabIndex = -1;
    stopAt(body.rows[0].cells[1]);
    let under = null;  // pointermove, not pointerover: a page that scrolls is no pointer that moves
    body.addEventListener("pointermove", (event) => {
      if (event.target === under) return;
      under = event.target;
      read(table, under.closest("td"));
    });
    body.addEventListener("pointerleave", () => {
      if (!body.contains(document.activeElement)) readout.classList.remove("live");
    });
    body.addEventListener("focusout", () => readout.classList.remove("live"));
    body.addEventListener("click", (event) => {
      const cell = event.target.closest("td");
      if (placeOf(cell) && !event.target.closest("a")) { stopAt(cell); handle(cell).focus(); }
    });
    body.addEventListener("focusin", (event) => {
      const cell = event.target.closest("td");
      if (!placeOf(cell)) return;
      // What scrolls into view must not come to lie below the fixed names.
      box.style.scrollPaddingLeft = cell.parentElement.cells[0].offsetWidth + "px";
      stopAt(cell);
      read(table, cell);
    });
    body.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      const place = placeOf(cell);
      if (!place || event.altKey || event.metaKey || event.shiftKey) return;
      if (event.key === "Enter" && enter(cell, place)) { event.preventDefault(); return; }
      const move = Object.hasOwn(MOVES, event.key) && MOVES[event.key];
      if (!move || (event.ctrlKey && !/^(Home|End)$/.test(event.key))) return;
      event.preventDefault();
      const [r, c] = move(place[0], place[1], event.ctrlKey);
      const next = body.rows[r] && c >= 0 && c < size ? body.rows[r].cells[c + 1] : null;
      if (!next) return;
      stopAt(next);
      handle(next).focus();
    });
  }

  if (readout) {
    readout.hidden = false;
    makeReadable(counts);
  }

  // ---- Matrix: the order of the classes. What its cells show is chosen without script.
  const views = byId("views");
  const orders = byId("orders");

  // Rows and cells as the page was written, so that any order can be made of them.
  function makeOrderable(table) {
    const rows = Array.from(table.tBodies[0].rows);
    const lines = [headsOf(table)[0].parentElement, ...rows, ...table.tFoot.rows];
    const cells = lines.map((line) => Array.from(line.cells));
    return (wanted) => {
      table.tBodies[0].append(...wanted.map((i) => rows[i]));
      lines.forEach((line, i) => {
        const own = cells[i];
        line.append(own[0], ...wanted.map((j) => own[j + 1]), ...own.slice(size + 1));
      });
    };
  }

  if (views && counts) {
    const given = order;
    const grouped = views.dataset.grouped.split(" ").map(Number);
    const arrange = makeOrderable(counts);
    if (orders) orders.hidden = false;
    views.addEventListener("change", (event) => {
      const choice = event.target;
      if (choice.name === "order") {
        order = choice.value === "grouped" ? grouped : given;
        arrange(order);
      }
      say(choice.parentElement.textContent.trim() + " shown");
    });
  }

  // ---- Boxes without anything to scroll are no tab stop.
  const scrolls = (box) => box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  const sized = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const box = entry.target;
      if (scrolls(box)) box.tabIndex = 0; else box.removeAttribute("tabindex");
    }
  });
  for (const box of all(".scroll")) sized.observe(box);

  // ---- Thresholds: a slider over points that were counted beforehand, read from an inert list.
  const explorer = byId("explorer");

  // Wilson's 95% interval of a share, as elsewhere in the page.
  function wilson(part, whole) {
    const z = 1.959963984540054;
    const share = part / whole;
    const scale = 1 + z * z / whole;
    const centre = share + z * z / (2 * whole);
    const half = z * Math.sqrt(share * (1 - share) / whole + (z / (2 * whole)) ** 2);
    const low = part === 0 ? 0 : (centre - half) / scale;
    const high = part === whole ? 1 : (centre + half) / scale;
    return percent(low, 1) + "\u2013" + percent(high, 1) + "%";
  }

  function makeExplorer() {
    const data = JSON.parse(byId("threshold-points").textContent);
    const [positives, negatives] = data.n;
    const slider = byId("x-at");
    const typed = byId("x-prevalence");
    const places = new Map(all("[data-x]", explorer).map((e) => [e.dataset.x, e]));
    const set = (name, text) => { places.get(name).textContent = text; };
    const share = (part, whole) => (whole === 0 ? "n/a" : percent(part, whole) + "%");

    // What is typed, 0 to 1; null where the test set's own prevalence holds.
    function prevalence() {
      const value = Number(typed.value);
      return typed.value === "" || !(value >= 0 && value <= 100) ? null : value / 100;
    }

    function costOf(point, rate) {
      const [tp, fn, fp, tn] = data.costs;
      const [, hit, alarm] = point;
      const ofPositive = (hit * tp + (positives - hit) * fn) / positives;
      const ofNegative = (alarm * fp + (negatives - alarm) * tn) / negatives;
      return rate * ofPositive + (1 - rate) * ofNegative;
    }

    function cheapest(rate) {
      const costs = data.points.map((point) => costOf(point, rate));
      return costs.lastIndexOf(Math.min(...costs));
    }

    function show() {
      const point = data.points[slider.value];
      const [threshold, tp, fp] = point;
      const [fn, tn] = [positives - tp, negatives - fp];
      const asked = prevalence();
      const rate = asked === null ? positives / (positives + negatives) : asked;
      // Parts of all samples, were the positive class as common as that.
      const [p, n] = asked === null ? [1, 1] : [rate / positives, (1 - rate) / negatives];
      slider.setAttribute("aria-valuetext", threshold);
      set("threshold", threshold);
      Object.entries({ tp, fn, fp, tn }).forEach(([name, count]) => {
        set(name, count.toLocaleString("en"));
      });
      set("sensitivity", share(tp, positives));
      set("specificity", share(tn, negatives));
      set("ppv", share(tp * p, tp * p + fp * n));
      set("npv", share(tn * n, tn * n + fn * p));
      set("sensitivity-ci", wilson(tp, positives));
      set("specificity-ci", wilson(tn, negatives));
      set("ppv-ci", asked === null && tp + fp ? wilson(tp, tp + fp) : "");
      set("npv-ci", asked === null && tn + fn ? wilson(tn, tn + fn) : "");
      if (!data.costs) return;
      const cost = costOf(point, rate);
      set("cost", cost > 0 && cost < 0.0005 ? "<0.001" : cost.toLocaleString("en",
        { minimumFractionDigits: cost ? 3 : 0, maximumFractionDigits: 3 }));
      explorer.querySelector("[data-cheapest]").dataset.at = cheapest(rate);
    }

    slider.addEventListener("input", show);
    typed.addEventListener("input", show);
    all("[data-at]", explorer).forEach((button) => {
      button.addEventListener("click", () => {
        slider.value = button.dataset.at;
        show();
      });
    });
    show();
    explorer.hidden = false;
    byId("threshold-table").open = false;
  }

  if (explorer) makeExplorer();

  // ---- Copy a link; where the clipboard is closed, the address bar has it.
  all("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const id = button.dataset.copy;
      const address = location.href.split("#")[0] + "#" + id;
      const fallback = () => { location.hash = id; say("Link copied to the address bar"); };
      if (!navigator.clipboard) { fallback(); return; }
      navigator.clipboard.writeText(address).then(() => say("Link copied"), fallback);
    });
  });

  // ---- Samples: a picture opens large in a dialog; the arrow keys lead to the next one.
  const large = byId("large");
  let sample = null;

  function enlarge(figure) {
    sample = figure;
    const parts = [figure.querySelector(".pic"), figure.querySelector(".big")];
    const copies = parts.map((part) => part.cloneNode(true));
    for (const part of all("[id]", copies[0])) part.removeAttribute("id");
    large.replaceChildren(...copies);
    if (!large.open) large.showModal();
    const links = all(".nav a", large);
    links[links.length - 1].focus();
  }

  function follow(link) {
    const next = byId(link.hash.slice(1));
    if (next && next.matches(".smp")) enlarge(next); else large.close();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".smp .th");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    enlarge(link.parentElement);
  });
  if (large) {
    large.addEventListener("click", (event) => {
      const link = event.target.closest(".nav a");
      if (event.target === large) large.close();
      if (!link) return;
      event.preventDefault();
      follow(link);
    });
    large.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const at = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
      const links = all(".nav a", large);
      if (at < 0 || links.length < 3 || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      follow(links[at]);
    });
    large.addEventListener("close", () => {
      const back = all(".nav a", large).pop();
      large.replaceChildren();
      if (byId(location.hash.slice(1)) === sample) location.hash = back.hash;
      sample.querySelector(".th").focus();
    });
  }

  // ---- Class cards: a row opens the one of its class; above 200 classes it is made now.
  const cell = (kind, text, row) => {
    const made = document.createElement(kind);
    made.textContent = text;
    if (row) row.append(made);
    return made;
  };
  const held = (id) => (byId(id) ? JSON.parse(byId(id).textContent) : null);

  function makeCard(index) {
    const box = byId("card-more");
    const entry = box && held("compact-cards").find((one) => one[0] === index);
    if (!entry) return null;
    const parts = [["Predicted instead", entry[2]], ["Predicted as this class", entry[3]]];
    box.replaceChildren(cell("h3", entry[1]));
    for (const [title, list] of parts) {
      cell("h4", title, box);
      const items = cell("ul", "");
      items.className = "cf";
      for (const [name, n] of list) {
        const item = cell("li", "", items);
        cell("span", name, item);
        cell("span", "", item);
        cell("b", n.toLocaleString("en"), item);
      }
      box.append(list.length ? items : cell("p", "None."));
    }
    return box;
  }

  const closeCards = () => all(".ccard.open").forEach((card) => card.classList.remove("open"));

  function openCard() {
    const [, index] = /^#card-(\d+)$/.exec(location.hash) || [];
    if (index === undefined) return;
    const made = byId("card-" + index) ? null : makeCard(Number(index));
    const card = byId("card-" + index) || made;
    closeCards();
    if (byId("card-more")) byId("card-more").hidden = !made;
    if (!card) return;
    card.classList.add("open");
    card.scrollIntoView({ block: "nearest" });
    card.focus({ preventScroll: true });
  }

  function arrive() {
    const target = byId(location.hash.slice(1));
    if (target && target.matches(".smp")) enlarge(target);
    else if (/^#c-\d/.test(location.hash)) closeCards();
    else openCard();
  }

  window.addEventListener("hashchange", arrive);
  arrive();
  all(".main-classes tbody").forEach((body) => body.addEventListener("click", (event) => {
    if (event.target.closest("a") || String(getSelection()) !== "") return;
    const link = event.target.closest("tr").querySelector("th > a");
    if (link) link.click();
  }));

  // ---- Pictures of many classes: what is under the pointer, from an inert list.
  const drawn = held("picture-cells");

  function cellText(places, counted) {
    const { names, side, support, correct, errors, complete } = drawn;
    const start = (p) => Math.ceil((p * names.length) / side);  // neighbours share a cell
    const [rows, columns] = places.map((at) => [start(at), start(at + 1) - 1]);
    const list = ([a, b]) => (b - a < 3 ? names.slice(a, b + 1).join(" / ")
      : names[a] + " \u2026 " + names[b] + " (" + (b - a + 1) + " classes)");
    const text = "true " + list(rows) + ", predicted " + list(columns);
    let [r, c, n] = [rows[0], columns[0], 0];
    const offer = (i, j, count) => {
      const within = i >= rows[0] && i <= rows[1] && j >= columns[0] && j <= columns[1];
      if (within && count > n) [r, c, n] = [i, j, count];
    };
    correct.forEach((count, i) => offer(i, i, count));
    for (let i = 0; i < errors.length; i += 3) offer(errors[i], errors[i + 1], errors[i + 2]);
    if (!counted || (n === 0 && !complete)) return text;
    const several = rows[0] < rows[1] || columns[0] < columns[1];
    const which = several && n ? "most often " + names[r] + " \u2192 " + names[c] + ", " : "";
    return text + ": " + which + (n ? partOf(n, support[r]) : "0");
  }

  all("img[data-cells]").forEach((image) => {
    const line = image.closest(".heats").querySelector(".readout");
    const box = image.dataset.cells.split(" ");  // left, top, width, height
    const look = (event) => {
      const frame = image.getBoundingClientRect();
      const edge = parseFloat(getComputedStyle(image).paddingLeft);
      const place = (at, size, i) => (
        Math.floor(drawn.side * ((at - edge) / (size - 2 * edge) - box[i]) / box[i + 2])
      );
      const places = [place(event.clientY - frame.top, frame.height, 1),
        place(event.clientX - frame.left, frame.width, 0)];
      const hit = places.every((at) => at >= 0 && at < drawn.side);
      line.classList.toggle("live", hit);
      if (hit) line.textContent = cellText(places, image.closest("#matrix"));
    };
    line.hidden = false;
    for (const kind of ["pointermove", "pointerleave", "click"]) image.addEventListener(kind, look);
  });

  // ---- All errors of a class, with their paths, from an inert list.
  function listErrors(box) {
    const known = held("errors");
    if (!known || box.querySelector("table")) return;
    const own = known.rows.filter((row) => String(row[0]) === box.dataset.class);
    const table = cell("table", "");
    table.className = "t";
    const head = table.createTHead().insertRow();
    for (const title of ["Path", "Predicted", "p(predicted)"]) {
      cell("th", title, head).scope = "col";
    }
    const body = table.createTBody();
    for (const [, predicted, path, p] of own) {
      const row = body.insertRow();
      cell("th", path, row).scope = "row";
      cell("td", known.classes[predicted], row);
      cell("td", p, row);
    }
    const scroll = cell("div", "");
    scroll.className = "scroll tall";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", box.querySelector("summary").textContent.trim());
    scroll.append(table);
    box.append(scroll);
    copyable(table);
  }

  all("details.errs").forEach((box) => {
    box.addEventListener("toggle", () => { if (box.open) listErrors(box); });
  });

  // ---- A table as CSV or Markdown: what is seen of it, row by row.
  const plain = (box) => {
    const copy = box.cloneNode(true);
    for (const part of all(".tag, .vh, sup", copy)) part.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const quote = (text) => (/[",]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text);
  const formula = (text) => /^[=+@\t-]/.test(text) && Number.isNaN(Number(text));
  const FORMS = {
    CSV: (rows) => rows.map((row) => (
      row.map((text) => quote(formula(text) ? "'" + text : text)).join(",")
    )),
    Markdown: (rows) => {
      const escaped = (text) => text.replace(/\|/g, "\\|");
      const lines = rows.map((row) => "| " + row.map(escaped).join(" | ") + " |");
      lines.splice(1, 0, "|" + " --- |".repeat(rows[0].length));
      return lines;
    },
  };

  function copyable(table) {
    const box = table.closest(".scroll");
    if (!box || table.rows.length < 4 || !navigator.clipboard) return;
    const tools = cell("div", "");
    tools.className = "copies";
    for (const [name, form] of Object.entries(FORMS)) {
      const button = cell("button", "Copy as " + name, tools);
      button.type = "button";
      button.className = "copy";
      button.setAttribute("aria-label", "Copy " + box.getAttribute("aria-label") + " as " + name);
      button.addEventListener("click", () => {
        const rows = Array.from(table.rows).filter((row) => !row.hidden);
        const text = form(rows.map((row) => Array.from(row.cells, plain))).join("\n") + "\n";
        const closed = () => say("Not copied: no access to the clipboard");
        navigator.clipboard.writeText(text).then(() => say("Copied as " + name), closed);
      });
    }
    box.after(tools);
  }

  all("table.t.sort:not(.moved)").forEach(copyable);

  // ---- Light or dark for as long as the page is open: the rules for dark apply, or they don't.
  const theme = byId("theme");

  function darkRules() {
    try {
      return Array.from(document.styleSheets).flatMap((sheet) => Array.from(sheet.cssRules))
        .filter((rule) => rule.media && /prefers-color-scheme:\s*dark/.test(rule.media.mediaText));
    } catch {
      return [];  // a style sheet beside a page that was opened as a file
    }
  }

  const darks = darkRules();
  if (theme && darks.length) {
    let dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const name = () => { theme.textContent = dark ? "Light mode" : "Dark mode"; };
    theme.hidden = false;
    name();
    theme.addEventListener("click", () => {
      dark = !dark;
      for (const rule of darks) rule.media.mediaText = dark ? "screen" : "not all";
      document.documentElement.style.colorScheme = dark ? "dark" : "light";
      name();
    });
  }

  // ---- Outline: it marks the section that is being read.
  const links = new Map();
  all(".outline a").forEach((link) => {
    const section = byId(link.hash.slice(1));
    if (section) links.set(section, link);
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

  // ---- Keys: not where text is typed, not with a modifier; they can be turned off.
  const keys = byId("keys");
  const opener = byId("keys-open");
  const enabled = byId("keys-on");
  let before = null;

  function toggleKeys(open) {
    if (open === !keys.hidden) return;
    if (open) before = document.activeElement;
    keys.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) keys.focus();
    else if (before && before !== document.body) before.focus();
  }

  // The section after or before the one at the top of the window.
  function step(by) {
    const sections = Array.from(links.keys());
    const tops = sections.map((section) => section.getBoundingClientRect().top);
    let at = 0;
    tops.forEach((top, i) => { if (top < 40) at = i; });
    const away = by < 0 && tops[at] < -40 ? at : at + by;
    const target = sections[Math.min(Math.max(away, 0), sections.length - 1)];
    target.scrollIntoView();
    const link = target.querySelector("h1, h2");
    say(link ? link.textContent.trim() : "");
  }

  function toMatrix() {
    const stop = all("#matrix table.m tbody [tabindex='0']").find((e) => e.offsetParent);
    if (stop) { stop.focus(); stop.scrollIntoView({ block: "center" }); }
    else byId("matrix").scrollIntoView();
  }

  const ACTIONS = {
    "?": () => toggleKeys(keys.hidden),
    "/": () => { if (filter) { filter.scrollIntoView({ block: "center" }); filter.focus(); } },
    n: () => step(1),
    p: () => step(-1),
    m: toMatrix,
  };

  const TYPED = "input:not([type=radio], [type=checkbox]), textarea, select";

  if (keys && opener) {
    const closer = byId("keys-close");
    opener.parentElement.hidden = opener.hidden = closer.hidden = false;
    opener.addEventListener("click", () => toggleKeys(keys.hidden));
    closer.addEventListener("click", () => toggleKeys(false));
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Escape") { toggleKeys(false); return; }
      if (event.target.closest(TYPED) || event.target.isContentEditable) return;
      if (!enabled.checked) return;
      if (!Object.hasOwn(ACTIONS, event.key)) return;
      event.preventDefault();
      ACTIONS[event.key]();
    });
  }
})();
