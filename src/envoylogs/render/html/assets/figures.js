// Fills the figures that Python laid out with the numbers of the selection, and reads the brush.
(function (envoylogs) {
  "use strict";

  const { plotlyText, count, element } = envoylogs.text;

  const FONT = getComputedStyle(document.body).fontFamily;
  const MARGIN = { l: 48, r: 8, t: 10, b: 30 };
  const ON_PAPER = { timeline: 1000, latency: 490, heat_map: 490 }; // pixels of a landscape page
  const SETTINGS = { displayModeBar: false, responsive: true, showTips: false, doubleClick: false };

  let meta = null;
  let brushed = null; // the bins of the chart over time

  const places = { timeline: "#figure-timeline", latency: "#figure-latency", heat_map: "#figure-heat-map" };
  const isPrinting = () => document.documentElement.classList.contains("printing");
  const placeOf = (name) => document.querySelector(places[name]);

  // A variable of the style sheet has a value for each theme; an element shows which one holds.
  // Asked once per theme, since each answer makes the browser lay out what was just changed.
  const styles = new Map();
  const style = (name) => {
    const key = `${name} ${envoylogs.contents.isDark()}`;
    if (!styles.has(key)) {
      const probe = document.querySelector("#probe");
      probe.style.color = `var(${name})`;
      styles.set(key, getComputedStyle(probe).color);
    }
    return styles.get(key);
  };

  // As text: Plotly takes numbers for times of the reader's time zone in ranges, and of UTC in data.
  // It reads years of four digits only, which wide bins of strays may leave.
  const [YEAR_1, YEAR_9999] = [-62_135_596_800, 253_402_300_799];
  const timeOf = (seconds) => new Date(Math.min(Math.max(seconds, YEAR_1), YEAR_9999) * 1000).toISOString().replace("T", " ").slice(0, -1);
  const secondsOf = (time) => Date.parse(`${time.replace(" ", "T")}Z`) / 1000;

  const layoutOf = (name, edges, more, place = placeOf(name), onPaper = ON_PAPER[name]) => {
    const layout = structuredClone(meta.figures[name].layout ?? {});
    delete layout.title; // the page has a heading for it
    delete layout.width;
    delete layout.height;
    return {
      ...layout, template: meta.templates[envoylogs.contents.isDark() ? "dark" : "light"],
      ...(isPrinting() ? { autosize: false, width: onPaper } : { autosize: true }), margin: MARGIN, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...layout.font, family: FONT, size: 12, color: style("--text") },
      legend: { ...layout.legend, orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left" },
      xaxis: {
        ...layout.xaxis, type: "date", title: undefined, fixedrange: true, range: [edges[0], edges.at(-1)],
        nticks: Math.max(2, Math.floor(place.clientWidth / 90)), tickangle: 0,
      },
      yaxis: { ...layout.yaxis, fixedrange: true },
      ...more,
    };
  };

  const tracesOf = (name, fill) =>
    meta.figures[name].data.map((trace, place) => ({ ...structuredClone(trace), ...fill(trace, place) }));

  const line = (at, color) => ({
    type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color, width: 1.5, dash: "dot" },
  });

  const shade = (from, to) => ({
    type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1, line: { width: 0 },
    fillcolor: style("--shade"), layer: "above",
  });

  // One change is behind several findings: marks that would cover each other are below each other.
  const staggered = (known, span) => {
    const placed = [];
    for (const mark of [...known].sort((a, b) => a.onset - b.onset)) {
      const near = placed.filter(({ onset }) => mark.onset - onset < span * 1e6 * 0.025).map(({ level }) => level);
      placed.push({ ...mark, level: [0, 1, 2, 3, 4].find((level) => !near.includes(level)) ?? 0 });
    }
    return placed;
  };

  // Where a finding began is marked by its number, as on its card.
  const onsets = (span) => {
    const known = meta.findings.map(({ onset, title }, place) => ({ onset, title, number: place + 1 }))
      .filter(({ onset }) => onset !== null);
    const bars = known.map(({ onset }) => line(timeOf(onset / 1e6), style("--text")));
    const notes = staggered(known, span).map(({ onset, title, number, level }) => ({
      x: timeOf(onset / 1e6), xref: "x", y: 1 - level * 0.16, yref: "paper", yanchor: "top", xanchor: "left", showarrow: false,
      text: String(number), hovertext: `${number}. ${plotlyText(title)}`, captureevents: true,
      bgcolor: style("--surface"), bordercolor: style("--line"), font: { size: 11 }, borderpad: 2,
    }));
    return { bars, notes };
  };

  // Requests are whole, and so are the steps of their axis.
  const stepOf = (most) => (most <= 5 ? 1 : undefined);

  const shadeOf = (trace) => trace.meta?.[envoylogs.contents.isDark() ? "dark" : "light"];

  const edgesOf = ({ starts, width_s }) => [...starts, starts.at(-1) + width_s].map(timeOf);

  // Powers of ten, and halves and fifths of them where those would be too few to read a value from.
  const ticksOf = (least, most) => {
    const tens = [0, 1, 2, 3, 4, 5, 6].map((power) => 10 ** power);
    const within = (values) => values.filter((ms) => ms >= least && ms <= most);
    const coarse = within(tens);
    const values = coarse.length > 2 ? coarse : within(tens.flatMap((ms) => [ms, 2 * ms, 5 * ms]));
    const shown = values.length > 1 ? values : [...new Set([least, most])];
    return { tickmode: "array", tickvals: shown, ticktext: shown.map((ms) => (ms < 1 ? "0" : count(ms))) };
  };

  // An empty chart would look as if something were broken.
  const nothing = (name) => {
    const { xaxis, yaxis, ...layout } = layoutOf(name, [0, 0], {});
    return [[], {
      ...layout, showlegend: false, xaxis: { visible: false }, yaxis: { visible: false },
      annotations: [{ text: "No request that an upstream answered in this selection.", showarrow: false, font: { color: style("--quiet") } }],
    }];
  };

  const timelineOf = (results, view) => {
    const { of, series } = results.over_time;
    const { starts, width_s } = results.bins.all;
    const x = starts.map(timeOf);
    const data = tracesOf("timeline", (trace, place) => ({
      x, y: Array.from(series[place] ?? []), offset: 0, width: width_s * 1000,
      visible: series[place]?.some((n) => n > 0) ?? false,
      hovertemplate: trace.hovertemplate.replace(/<br>[a-z ]+:/, `<br>${of}:`),
      marker: { ...trace.marker, color: shadeOf(trace) ?? trace.marker?.color },
      selectedpoints: null, unselected: { marker: { opacity: 1 } },
    }));
    const edges = edgesOf(results.bins.all);
    const [begin, end] = [starts[0], starts.at(-1) + width_s];
    const { bars, notes } = onsets(end - begin);
    const outside = [];
    if (view.from !== null) outside.push(shade(edges[0], timeOf(Math.min(view.from, end))));
    if (view.to !== null) outside.push(shade(timeOf(Math.max(view.to, begin)), edges.at(-1)));
    drawLegend(data);
    document.querySelector("#timeline-title").textContent = `${of[0].toUpperCase()}${of.slice(1)} over time, by who must act`;
    const heights = x.map((_, bin) => series.reduce((sum, counts) => sum + counts[bin], 0));
    const layout = layoutOf("timeline", edges, {
      dragmode: "select", selectdirection: "h", bargap: 0, shapes: [...outside, ...bars], annotations: notes,
      selections: [], newselection: { line: { color: style("--accent"), width: 1 } }, showlegend: false,
    });
    const title = { ...layout.yaxis.title, text: of.includes(" ") ? "records" : of }; // no room for more
    return [data, { ...layout, yaxis: { ...layout.yaxis, title, dtick: stepOf(Math.max(...heights)) } }];
  };

  // In the heading, where it takes no height from the chart.
  const drawLegend = (traces) => {
    const shown = traces.filter((trace) => trace.visible);
    document.querySelector("#legend").replaceChildren(...shown.map((trace) => {
      const mark = element("span", { className: "swatch", "aria-hidden": "true" });
      mark.style.background = trace.marker.color;
      return element("li", {}, mark, trace.name);
    }));
  };

  const latencyOf = (results) => {
    const rows = results.latency_over_time;
    if (!rows.some((row) => row.count)) return nothing("latency");
    const { chosen } = results.bins;
    const half = chosen.width_s / 2;
    const lowest = meta.latency_edges_ms[0];
    const data = tracesOf("latency", (trace) => ({
      x: rows.map((row) => timeOf(row.start + half)),
      // Zero has no place on a logarithmic axis; the label has the number itself.
      y: rows.map((row) => (row[trace.name] === null ? null : Math.max(lowest, row[trace.name]))),
      text: rows.map((row) => `${count(row[trace.name])} ms`), hovertemplate: `%{text}<extra>${trace.name}</extra>`,
      connectgaps: false, line: { ...trace.line, color: shadeOf(trace) ?? trace.line?.color },
    }));
    const layout = layoutOf("latency", edgesOf(chosen), { showlegend: true, dragmode: false, hovermode: "x unified" });
    const drawn = data.flatMap((trace) => trace.y.filter((ms) => ms !== null));
    const [least, most] = drawn.reduce(([low, high], ms) => [Math.min(low, ms), Math.max(high, ms)], [Infinity, lowest]);
    return [data, { ...layout, yaxis: { ...layout.yaxis, ...ticksOf(least, most) } }];
  };

  // Nothing has no color, so few must have one: the scale begins after the color of the ground.
  const scaleOf = () => {
    const scale = meta.templates[envoylogs.contents.isDark() ? "dark" : "light"].layout.colorscale?.sequential;
    if (!Array.isArray(scale) || scale.length < 4) return undefined;
    return scale.slice(1).map(([, color], place, rest) => [place / (rest.length - 1), color]);
  };

  const heatMapOf = (results) => {
    const { from, edges, cells } = results.heat_map;
    const { chosen } = results.bins;
    if (!cells.some((cell) => cell.some((n) => n))) return nothing("heat_map");
    const most = cells.reduce((highest, cell) => cell.reduce((a, b) => Math.max(a, b), highest), 1);
    const data = tracesOf("heat_map", (trace) => ({
      zmin: 0, zmax: most, colorbar: { ...trace.colorbar, title: undefined, dtick: stepOf(most) },
      x: edgesOf(chosen), y: edges, colorscale: scaleOf(),
      z: cells.map((cell) => Array.from(cell, (n) => n || null)), // nothing has no color
      text: cells.map((cell, place) => Array.from(cell, () => meta.latency_classes[from + place])),
    }));
    const layout = layoutOf("heat_map", edgesOf(chosen), { dragmode: false });
    return [data, { ...layout, yaxis: { ...layout.yaxis, ...ticksOf(edges[0], edges.at(-1)) } }];
  };

  // A drag over the chart chooses the bars whose middle it covers, and one at least.
  const readBrush = (event, { starts, width_s }) => {
    if (!event?.range?.x) return;
    const [from, to] = event.range.x.map(secondsOf).sort((a, b) => a - b)
      .map((time) => Math.round((time - starts[0]) / width_s));
    const one = Math.min(from, starts.length - 1);
    envoylogs.view.set({ from: starts[0] + one * width_s, to: starts[0] + Math.max(to, one + 1) * width_s });
  };

  const MAKERS = { timeline: timelineOf, latency: latencyOf, heat_map: heatMapOf };
  let listening = false;

  const draw = (name, { results, view }) => {
    const [data, layout] = MAKERS[name](results, view);
    window.Plotly.react(placeOf(name), data, layout, SETTINGS);
    if (name !== "timeline") return;
    brushed = results.bins.all;
    if (listening) return;
    listening = true;
    placeOf("timeline").on("plotly_selected", (event) => readBrush(event, brushed));
  };

  // `latest` says what is to be drawn: results and the view that they are of.
  const start = (given, latest) => {
    meta = given;
    for (const name of Object.keys(MAKERS)) envoylogs.pending.add(placeOf(name), () => draw(name, latest()));
  };

  envoylogs.figures = { start, layoutOf, edgesOf, timeOf, SETTINGS };
})((window.envoylogs ??= {}));
