// Starts the page and redraws it on each change of the view.
//
// The scripts are joined in this order, each one using only those before it: text.js, times.js,
// pending.js, counts.js, latency.js, shares.js, sums.js, view.js, tables.js, contents.js,
// filters.js, figures.js, split_figures.js, markdown.js, page.js.
(function (envoylogs) {
  "use strict";

  const { count, percent, milliseconds, counted, element } = envoylogs.text;
  const { view } = envoylogs;

  const REMEMBERED = 12;
  const SVG = "http://www.w3.org/2000/svg";

  const find = (selector) => document.querySelector(selector);

  let meta = null;
  let counts = null;
  let latest = null;
  let drawFilters = () => {};
  const tables = {};
  envoylogs.timings = {};

  const sparkline = (trend) => {
    const [width, height] = [120, 24];
    const most = Math.max(1, ...trend);
    const step = width / trend.length;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    const path = document.createElementNS(SVG, "path");
    const bars = trend.map((n, place) => {
      const tall = n ? Math.max(1, (n / most) * height) : 0;
      return tall ? `M${(place * step).toFixed(2)} ${height}v${(-tall).toFixed(2)}h${(step * 0.85).toFixed(2)}v${tall.toFixed(2)}z` : "";
    });
    path.setAttribute("d", bars.join(""));
    svg.append(path);
    return svg;
  };

  const startCards = () => {
    for (const card of document.querySelectorAll(".card")) {
      const finding = meta.findings[Number(card.dataset.number) - 1];
      if (!finding) continue;
      if (finding.trend?.length) card.querySelector(".spark").append(sparkline(finding.trend));
      const pick = card.querySelector("button.pick");
      if (!pick || !finding.filters || !counts) continue;
      pick.addEventListener("click", () => view.pick(finding));
      // Text of a card can be selected without filtering.
      card.addEventListener("click", (event) => {
        if (event.target.closest("button, details, a") || String(getSelection())) return;
        pick.click();
      });
    }
  };

  const drawCards = () => {
    for (const card of document.querySelectorAll(".card")) {
      const finding = meta.findings[Number(card.dataset.number) - 1];
      const active = Boolean(finding?.filters) && view.same(finding.filters);
      card.querySelector(".swatch").style.background = envoylogs.contents.actorColor(finding?.who) ?? "";
      card.classList.toggle("active", active);
      card.querySelector("button.pick")?.setAttribute("aria-pressed", String(active));
    }
  };

  const drawTotals = ({ requests, connections, errors, error_share, unrouted, noise, noise_connections, latency_ms: of }) => {
    const total = (name, value, extra) => element("span", { className: "total" },
      element("b", { textContent: value }), ` ${name}`, extra ? element("span", { className: "quiet", textContent: ` ${extra}` }) : null);
    find("#totals").replaceChildren(
      total(requests === 1 ? "request" : "requests", count(requests)),
      total(connections === 1 ? "connection" : "connections", count(connections)),
      total(errors === 1 ? "error" : "errors", count(errors), percent(error_share)),
      total("unrouted", count(unrouted)),
      total("noise", count(noise), noiseInWords(noise, noise_connections)),
      ...["p50", "p90", "p95", "p99", "max"].map((name) => element("span", { className: "total" },
        `${name} `, element("b", { textContent: milliseconds(of[name]) }), name === "max" ? ` ms ${meta.near}` : "")),
    );
  };

  const noiseInWords = (requests, connections) => {
    if (!requests && !connections) return "";
    const words = [view.now().noise === "shown" ? "shown" : "set apart"];
    if (connections) words.unshift(`and ${counted(connections, "connection")}`);
    return words.join(" ");
  };

  const drawTable = (name) => tables[name].update(
    name === "examples" ? envoylogs.contents.examplesIn(view.now()) : latest.tables[name],
  );

  // What the chart over time leaves out.
  const drawNote = ({ over_time: { noise, strays, untimed } }) => {
    const left = [[noise, "of noise"], [strays, "of times far from these"], [untimed, "without a time"]]
      .filter(([n]) => n).map(([n, words]) => `${counted(n, "record")} ${words}`);
    find("#noise-note").textContent = left.length ? `Without ${left.join(", ")}. ` : "";
  };

  // Filters are taken off as often as they are set, and the browser goes back: what was summed up a
  // moment ago is not summed up again.
  const remembered = new Map();
  const resultsOf = (shown) => {
    const key = JSON.stringify([shown.filters, shown.from, shown.to, shown.noise]);
    const found = remembered.get(key) ?? envoylogs.sums.results(counts, shown);
    remembered.delete(key);
    remembered.set(key, found);
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
    return found;
  };

  const recompute = () => {
    const began = performance.now();
    latest = resultsOf(view.now());
    const summed = performance.now();
    drawTotals(latest.totals);
    envoylogs.filters.drawChips(view.now());
    envoylogs.filters.drawHints(view.now(), counts);
    drawFilters(view.now());
    drawCards();
    drawNote(latest);
    envoylogs.pending.redraw();
    const drawn = performance.now();
    envoylogs.timings = { totals_ms: summed - began, recompute_ms: drawn - began };
  };

  const startTheme = () => {
    const choice = find("#theme");
    try { choice.value = localStorage.getItem("envoylogs-theme") ?? "auto"; } catch { choice.value = "auto"; }
    if (!choice.value) choice.value = "auto";
    const apply = () => {
      document.documentElement.dataset.theme = choice.value;
      if (latest) recompute();
    };
    choice.addEventListener("change", () => {
      try { localStorage.setItem("envoylogs-theme", choice.value); } catch { /* kept until the page is closed */ }
      apply();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
    apply();
  };

  // The big library is only text until the tables are there: parsing it would hold up the first
  // paint. The policy allows it by its hash wherever it is put.
  const startPlotly = () => new Promise((done) => {
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", () => startPlotly().then(done));
      return;
    }
    requestAnimationFrame(() => setTimeout(() => {
      const source = find("#plotly").textContent;
      // It brings styles for maps, which this page has none of, and which its policy refuses with a
      // complaint; it adds none if an element with their id is there.
      const maps = /getElementById\("([0-9a-f]{64})"\)/.exec(source);
      if (maps) document.head.append(element("style", { id: maps[1] }));
      document.head.append(element("script", { textContent: source }));
      done();
    }));
  });

  const startPrint = () => {
    let closed = [];
    const onPaper = (printing) => {
      document.documentElement.classList.toggle("printing", printing);
      if (!latest) return;
      drawCards();
      envoylogs.pending.redraw();
      envoylogs.pending.finish();
    };
    window.addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll(".card details:not([open])")];
      closed.forEach((details) => { details.open = true; });
      onPaper(true);
    });
    window.addEventListener("afterprint", () => {
      closed.forEach((details) => { details.open = false; });
      onPaper(false);
    });
  };

  // For whoever waits until all is drawn: a test, or a program that takes a picture.
  const ready = () => document.documentElement.classList.add("ready");

  const startCounts = async (base64) => {
    counts = await envoylogs.counts.decode(base64, meta);
    envoylogs.contents.startExamples(counts);
    view.start(meta);
    drawFilters = envoylogs.filters.start(counts);
    for (const [name, columns] of Object.entries(envoylogs.contents.columns)) {
      const place = find(`#table-${name}`);
      if (!place) continue;
      tables[name] = new envoylogs.tables.Table(place, { name, columns, empty: envoylogs.contents.empty[name] });
      envoylogs.pending.add(place, () => drawTable(name));
    }
    const folded = ["route_name", "host"].some((name) => counts.dimensions[name].some(envoylogs.text.isFolded));
    if (folded) find("#table-split .head h2").after(element("p", { className: "quiet", textContent: "Without routes and hosts that were folded." }));
    startCards();
    const answered = counts.rows.firstTimed < counts.rows.length;
    for (const { id, parentElement } of document.querySelectorAll("section > .figure")) {
      parentElement.hidden = !meta.shown || (id !== "figure-timeline" && !answered);
    }
    // Of a log without any there is neither a figure nor words about none.
    find("#shares").hidden = !meta.shown || !envoylogs.sums.hasSplits(counts);
    view.onChange(recompute);
    recompute();
    find("#reset").addEventListener("click", view.reset);
    // The address is the view's: a jump must not write to it.
    find("#skip").addEventListener("click", (event) => {
      event.preventDefault();
      find("#main").focus();
    });
    find("#copy-link").addEventListener("click", () => envoylogs.markdown.copy(location.href, "Link"));
    find("#copy-markdown").addEventListener("click", () =>
      envoylogs.markdown.copy(envoylogs.markdown.markdownOf(meta, view.now(), latest), "Markdown"));
    await startPlotly();
    if (meta.shown) {
      const shown = () => ({ results: latest, view: view.now() });
      envoylogs.figures.start(meta, shown);
      envoylogs.splitFigures.start(meta, shown);
    }
    envoylogs.pending.finish();
    ready();
  };

  const start = async () => {
    meta = JSON.parse(find("#meta").textContent);
    envoylogs.contents.start(meta);
    startTheme();
    startPrint();
    const base64 = find("#counts")?.textContent.trim();
    if (!base64) {
      startCards();
      ready();
      return;
    }
    try {
      await startCounts(base64);
    } catch (problem) {
      find("#problem").hidden = false;
      find("#problem").textContent = `This browser can't show tables and charts (${problem.message}). `
        + "A current Firefox, Chrome, Edge or Safari can.";
      throw problem;
    }
  };

  // All of it, also what nobody has looked at.
  envoylogs.results = () => ({ ...latest, tables: { ...latest.tables }, view: view.get() });
  envoylogs.started = start();
})((window.envoylogs ??= {}));
