// The filter bar: a searchable list of checkboxes per dimension, time, noise, chips.
(function (envoylogs) {
  "use strict";

  const { printable, isFolded, count, dayAndClock, element, say } = envoylogs.text;
  const { keyOf } = envoylogs.counts;
  const { readTime, dayOf } = envoylogs.times;

  // A list longer than this is searched, not scrolled.
  const MOST = 200;
  // More chips of one filter than these are one chip, or the bar would cover what it filters.
  const MOST_CHIPS = 4;
  const DAY_S = 86_400;

  const IN_BAR = [
    ["host", "Host"], ["path_group", "Path"], ["outcome", "Outcome"], ["code_class", "Code"],
    ["upstream_cluster", "Cluster"], ["upstream_host", "Upstream"], ["gateway", "Gateway"],
  ];

  // All values by requests (or connections) of the whole log.
  const ranked = (counts, name) => {
    const requests = new Float64Array(counts.dimensions[name].length);
    const { combination, requests: each, length } = counts.rows;
    const of = counts.combinations[name];
    for (let row = 0; row < length; row += 1) requests[of[combination[row]]] += each[row];
    return counts.dimensions[name]
      .map((value, place) => ({ value, requests: requests[place], shown: envoylogs.contents.shownValue(name, value) }))
      .sort((a, b) => b.requests - a.requests);
  };

  class Filter {
    constructor(place, counts, name, label) {
      this.name = name;
      this.label = label;
      this.counts = counts;
      this.values = null;
      this.summary = element("summary", { textContent: label });
      this.search = element("input", {
        type: "search", placeholder: "Search", "aria-label": `Search in: ${label}`, oninput: () => this.draw(),
      });
      this.list = element("div", { className: "options", role: "group", "aria-label": label });
      this.note = element("p", { className: "quiet" });
      this.panel = element("div", { className: "panel" }, this.search, this.list, this.note);
      this.details = element("details", { className: "filter" }, this.summary, this.panel);
      this.details.addEventListener("toggle", () => { if (this.details.open) this.opened(); });
      this.details.addEventListener("keydown", (event) => this.key(event));
      place.append(this.details);
    }

    opened() {
      for (const other of document.querySelectorAll("details.filter[open]")) {
        if (other !== this.details) other.open = false;
      }
      this.values ??= ranked(this.counts, this.name);
      this.search.hidden = this.values.length <= 8;
      this.draw();
      // A panel at the right edge would leave the window.
      this.panel.classList.toggle("flipped", this.details.getBoundingClientRect().left + 340 > innerWidth);
    }

    key(event) {
      if (event.key === "Escape") {
        this.details.open = false;
        this.summary.focus();
      }
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      const stops = [this.search, ...this.list.querySelectorAll("input")].filter((stop) => !stop.hidden);
      const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      if (!this.details.open || !stops[next]) return;
      event.preventDefault();
      stops[next].focus();
    }

    draw() {
      const words = this.search.value.toLowerCase();
      const found = this.values.filter(({ value, shown }) =>
        !words || shown.toLowerCase().includes(words) || keyOf(value).toLowerCase().includes(words));
      const chosen = found.filter(({ value }) => envoylogs.view.has(this.name, value));
      const others = found.filter(({ value }) => !envoylogs.view.has(this.name, value));
      this.drawn = [...chosen, ...others].slice(0, MOST);
      this.list.replaceChildren(...this.drawn.map((option) => this.optionOf(option)));
      this.note.textContent = found.length > MOST
        ? `The first ${count(MOST)} of ${count(found.length)}; search finds the others.`
        : found.length ? "" : "No value has these words.";
      this.note.hidden = !this.note.textContent;
    }

    optionOf({ value, requests, shown }) {
      const box = element("input", {
        type: "checkbox", checked: envoylogs.view.has(this.name, value),
        onchange: () => envoylogs.view.toggle(this.name, value),
      });
      return element("label", { title: printable(value) }, box, element("span", { className: "name", textContent: shown }),
        element("span", { className: "amount", textContent: count(requests) }));
    }

    update() {
      const chosen = envoylogs.view.now().filters[this.name]?.length ?? 0;
      this.summary.textContent = chosen ? `${this.label} ${count(chosen)}` : this.label;
      this.summary.classList.toggle("active", chosen > 0);
      // The order of an open list stays while boxes are ticked, so that nothing jumps away.
      for (const [place, box] of this.list.querySelectorAll("input").entries()) {
        box.checked = envoylogs.view.has(this.name, this.drawn[place].value);
      }
    }
  }

  // A time of day is the latest one in the log.
  const asWritten = (text, end) => {
    const time = readTime(text, dayOf(end));
    const bare = readTime(text) === null;
    return time !== null && bare && time > end ? time - DAY_S : time;
  };

  const wrongWith = (name, seconds) => {
    const { from, to } = envoylogs.view.now();
    if (seconds === null) return "A time as 2026-11-01 12:40:00, in UTC";
    if (name === "from" && to !== null && seconds >= to) return `Not before the end, ${dayAndClock(to)}`;
    if (name === "to" && from !== null && seconds <= from) return `Not after the beginning, ${dayAndClock(from)}`;
    return "";
  };

  const timeInput = (meta, name, label) => {
    const [begin, end] = [meta.shown.first / 1e6, meta.shown.last / 1e6 + meta.width_s];
    const changed = () => {
      const text = input.value.trim();
      const seconds = text ? asWritten(text, end) : null;
      const wrong = text ? wrongWith(name, seconds) : "";
      input.setCustomValidity(wrong);
      input.setAttribute("aria-invalid", String(Boolean(wrong)));
      if (wrong) {
        input.reportValidity();
        return;
      }
      envoylogs.view.set({ [name]: seconds });
      const set = envoylogs.view.now()[name];
      if (set !== seconds) say(envoylogs.view.movedInWords(name, set));
    };
    const input = element("input", {
      type: "text", className: "time", placeholder: dayAndClock(name === "from" ? begin : end), autocomplete: "off",
      spellcheck: false, title: `UTC, by the ${meta.width}; ${name === "from" ? "inclusive" : "exclusive"}`, onchange: changed,
      onkeydown: (event) => { if (event.key === "Enter") input.dispatchEvent(new Event("change")); },
    });
    return { input, label: element("label", { className: "when" }, `${label} `, input) };
  };

  const start = (counts) => {
    const { meta } = counts;
    const bar = document.querySelector("#filter-inputs");
    const times = meta.shown ? [["from", "From"], ["to", "to"]].map(([name, label]) => [name, timeInput(meta, name, label)]) : [];
    bar.append(...times.map(([, { label }]) => label), element("span", { className: "quiet", textContent: times.length ? "UTC" : "No times" }));
    const filters = IN_BAR.filter(([name]) => counts.dimensions[name]?.length)
      .map(([name, label]) => new Filter(bar, counts, name, label));
    const noise = element("input", {
      type: "checkbox", onchange: () => envoylogs.view.set({ noise: noise.checked ? "shown" : "apart" }),
    });
    bar.append(element("label", { className: "check", title: "Unrouted traffic of hosts that nobody serves, probes and scrapes" }, noise, "Show noise"));
    document.addEventListener("pointerdown", (event) => {
      for (const open of document.querySelectorAll("details.filter[open]")) {
        if (!open.contains(event.target)) open.open = false;
      }
    });
    return (view) => {
      for (const [name, { input }] of times) {
        input.value = view[name] === null ? "" : dayAndClock(view[name]);
        input.setCustomValidity("");
        input.removeAttribute("aria-invalid");
      }
      noise.checked = view.noise === "shown";
      filters.forEach((filter) => filter.update());
    };
  };

  // What is filtered, in words: for chips and for what is pasted elsewhere.
  const inWords = (view) => {
    const said = Object.entries(view.filters).flatMap(([name, values]) => {
      const label = envoylogs.view.LABELS[name];
      const shown = values.map((value) => envoylogs.contents.shownValue(name, value));
      if (values.length > MOST_CHIPS) {
        const remove = () => envoylogs.view.set({ filters: { ...envoylogs.view.now().filters, [name]: [] } });
        return [{ words: `${label}: ${count(values.length)} values`, all: shown.join("\n"), remove }];
      }
      return values.map((value, place) => ({
        words: `${label}: ${shown[place]}`, remove: () => envoylogs.view.toggle(name, value),
      }));
    });
    if (view.from !== null) said.push({ words: `from ${dayAndClock(view.from)} UTC`, remove: () => envoylogs.view.set({ from: null }) });
    if (view.to !== null) said.push({ words: `to ${dayAndClock(view.to)} UTC`, remove: () => envoylogs.view.set({ to: null }) });
    const usual = envoylogs.view.usualNoise();
    if (view.noise !== usual) said.push({ words: view.noise === "shown" ? "noise shown" : "noise set apart", remove: () => envoylogs.view.set({ noise: usual }) });
    return said;
  };

  // Why a view may show less than was asked for.
  const hintsOf = (view, counts) => {
    const hints = Object.entries(view.filters).flatMap(([name, values]) => {
      const marks = counts.dimensions[name]?.some(isFolded);
      return !marks ? [] : values.filter((value) => !counts.places[name].has(keyOf(value))).map((value) =>
        `${envoylogs.view.LABELS[name]} ${printable(value)} is not counted apart: names were folded, and it may be among all others.`);
    });
    if (view.from !== null && view.to !== null && view.from >= view.to) hints.push("From is not before to: there is nothing between them.");
    return hints;
  };

  const drawHints = (view, counts) => {
    const place = document.querySelector("#hints");
    const hints = hintsOf(view, counts);
    place.hidden = !hints.length;
    place.textContent = hints.join(" ");
  };

  const drawChips = (view) => {
    const place = document.querySelector("#chips");
    const said = inWords(view);
    const focused = [...place.querySelectorAll("button")].indexOf(document.activeElement);
    place.hidden = !said.length;
    place.replaceChildren(...said.map(({ words, all, remove }) => element("li", {}, element("button", {
      type: "button", className: "chip", title: `Remove ${words}${all ? `\n${all}` : ""}`, "aria-label": `Remove filter ${words}`, onclick: remove,
    }, element("span", { textContent: words }), element("span", { "aria-hidden": "true", textContent: "×" })))));
    // Whoever removes chips by keyboard stays where the next one is.
    if (focused >= 0) ([...place.querySelectorAll("button")].at(Math.min(focused, said.length - 1)) ?? document.querySelector("#reset")).focus();
  };

  envoylogs.filters = { start, drawChips, drawHints, inWords };
})((window.envoylogs ??= {}));
