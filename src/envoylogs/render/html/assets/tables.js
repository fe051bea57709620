// One real table: sortable, searchable, ten rows until asked for all, and as CSV.
(function (envoylogs) {
  "use strict";

  const { printable, count, milliseconds, percent, element } = envoylogs.text;

  const FEW = 10;
  // More rows than anybody scrolls through would make each filter slow; search and CSV have all.
  const MANY = 1000;

  // Longer texts are cut on the screen.
  const LONG = 80;

  const SHOWN = { count, ms: milliseconds, percent, text: printable };
  const isNumber = (column) => column.kind !== "text";
  const shownOf = (column, row) => (column.shown ?? SHOWN[column.kind])(column.of(row), row);

  // A spreadsheet runs a cell that begins like a formula; the apostrophe in front is hidden there.
  const FORMULA = /^(?:[\s\x00-\x1F\x7F-\x9F\u200B\u2060\uFEFF]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r])/;
  const csvCell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const text = (FORMULA.test(value) ? "'" : "") + printable(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  // Some columns are there only where they say something.
  const among = (columns, rows) => columns.filter((column) => !column.when || column.when(rows));

  const csvOf = (all, rows) => {
    const columns = among(all, rows);
    return [columns.map((column) => csvCell(column.key)), ...rows.map((row) => columns.map((column) => csvCell(column.csv ? column.csv(column.of(row)) : column.of(row))))]
      .map((cells) => cells.join(",")).join("\n") + "\n";
  };

  const download = (name, text) => {
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  const compared = (a, b) => {
    if (a === b) return 0;
    if (a === null || a === undefined) return 1; // missing last, whatever the direction
    if (b === null || b === undefined) return -1;
    return typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b), "en") : a - b;
  };

  const cellOf = (column, row) => {
    const text = shownOf(column, row);
    const cell = element(column.header ? "th" : "td", { className: isNumber(column) ? "number" : "text" });
    if (column.header) cell.scope = "row";
    const title = column.title?.(row) ?? (text.length > LONG ? text : undefined);
    const value = column.of(row);
    // A value that was folded into others can't be picked out.
    if (column.dimension && (!column.pickable || column.pickable(value))) {
      cell.append(element("button", {
        type: "button", className: "value long", textContent: text, title: title ?? `Filter: ${text}`,
        "aria-pressed": String(envoylogs.view.has(column.dimension, value)),
        onclick: () => envoylogs.view.toggle(column.dimension, value),
      }));
    } else {
      cell.append(isNumber(column) ? text : element("span", { className: "long", textContent: text }));
      if (title) cell.title = title;
    }
    if (column.bar) {
      const share = column.of(row) ?? 0;
      cell.classList.add("bar");
      cell.style.setProperty("--share", `${Math.min(100, share * 100)}%`);
    }
    if (column.swatch) {
      const color = column.swatch(row);
      if (color) {
        const mark = element("span", { className: "swatch", "aria-hidden": "true" });
        mark.style.background = color;
        cell.prepend(mark);
      }
    }
    return cell;
  };

  class Table {
    // `place` is a section of the page with a heading; `columns` say how to read a row.
    constructor(place, { name, columns, empty }) {
      this.columns = columns.filter((column) => !column.onlyInCsv);
      this.name = name;
      this.empty = empty ?? "Nothing in this selection.";
      this.rows = [];
      this.sort = null; // as given: the order in which the command line prints them
      this.all = false;
      this.words = "";
      const title = place.querySelector("h2").textContent;
      this.search = element("input", {
        type: "search", className: "search", placeholder: "Search", "aria-label": `Search in: ${title}`,
        oninput: () => { this.words = this.search.value.toLowerCase(); this.draw(); },
      });
      const save = element("button", {
        type: "button", textContent: "CSV", title: "Save all rows as CSV", "aria-label": `Save as CSV: ${title}`,
        onclick: () => {
          envoylogs.pending.finish(); // what is saved is what the filters say now
          download(`envoylogs-${name}.csv`, csvOf(columns, this.sorted()));
        },
      });
      place.querySelector(".head").append(element("div", { className: "tools" }, this.search, save));
      this.heads = this.columns.map((column) => this.headOf(column));
      this.body = element("tbody");
      this.more = element("button", {
        type: "button", className: "more", onclick: () => { this.all = !this.all; this.draw(); },
      });
      this.note = element("p", { className: "quiet" });
      this.onPaper = element("p", { className: "quiet onpaper" });
      place.append(
        element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `Table: ${title}` },
          element("table", {}, element("caption", { className: "unseen", textContent: title }),
            element("thead", {}, element("tr", {}, ...this.heads)), this.body)),
        this.note, this.onPaper, this.more,
      );
    }

    headOf(column) {
      const button = element("button", {
        type: "button", textContent: column.label,
        onclick: () => {
          const again = this.sort?.column === column;
          this.sort = { column, down: again ? !this.sort.down : isNumber(column) };
          this.draw();
        },
      });
      const head = element("th", { scope: "col", className: isNumber(column) ? "number" : "text" }, button);
      if (column.hint) head.title = column.hint;
      return head;
    }

    update(rows) {
      this.rows = rows;
      this.draw();
    }

    found() {
      if (!this.words) return this.rows;
      const texts = this.columns.filter((column) => !isNumber(column) || column.dimension);
      return this.rows.filter((row) => texts.some((column) =>
        shownOf(column, row).toLowerCase().includes(this.words)
        || String(column.of(row) ?? "").toLowerCase().includes(this.words)));
    }

    sorted() {
      const rows = this.found();
      if (!this.sort) return rows;
      const { column, down } = this.sort;
      return [...rows].sort((one, other) => {
        const [a, b] = [column.of(one), column.of(other)];
        const order = compared(a, b);
        return down && a !== null && b !== null ? -order : order;
      });
    }

    // A value that was pressed as a filter is drawn anew; the keyboard stays on it.
    focused() {
      const cell = this.body.contains(document.activeElement) ? document.activeElement.closest("td, th") : null;
      return cell && { column: cell.cellIndex, text: cell.textContent };
    }

    focus({ column, text }) {
      const cells = [...this.body.rows].map((row) => row.cells[column]).filter(Boolean);
      const same = cells.find((cell) => cell.textContent === text)?.querySelector("button");
      (same ?? this.body.closest(".scroll")).focus({ preventScroll: true });
    }

    draw() {
      this.columns.forEach((column, place) => {
        const active = this.sort?.column === column;
        this.heads[place].setAttribute("aria-sort", active ? (this.sort.down ? "descending" : "ascending") : "none");
      });
      const rows = this.sorted();
      const shown = among(this.columns, this.rows);
      this.columns.forEach((column, place) => { this.heads[place].hidden = !shown.includes(column); });
      const limit = this.all ? MANY : FEW;
      const drawn = document.createDocumentFragment();
      for (const row of rows.slice(0, limit)) {
        drawn.append(element("tr", {}, ...shown.map((column) => cellOf(column, row))));
      }
      if (!rows.length) {
        drawn.append(element("tr", {}, element("td", {
          colSpan: shown.length, className: "quiet", textContent: this.words ? "No row has these words." : this.empty,
        })));
      }
      const focused = this.focused();
      this.body.replaceChildren(drawn);
      if (focused) this.focus(focused);
      this.onPaper.textContent = rows.length > limit ? `${count(limit)} of ${count(rows.length)} rows.` : "";
      this.search.hidden = this.rows.length <= FEW && !this.words;
      this.more.hidden = rows.length <= FEW;
      this.more.textContent = this.all ? "Show fewer" : `Show all ${count(rows.length)}`;
      this.note.textContent = rows.length > MANY && this.all
        ? `The first ${count(MANY)} of ${count(rows.length)}; search for others, or save all as CSV.` : "";
      this.note.hidden = !this.note.textContent;
    }
  }

  envoylogs.tables = { Table, csvOf };
})((window.envoylogs ??= {}));
