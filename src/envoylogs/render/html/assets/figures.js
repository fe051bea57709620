// Fills the figures that Python laid out with the numbers of the selection, and reads the brush.
(function (envoylogs) {
  "use strict";

  const { plotlyText, count } = envoylogs.text;

  const MARGIN = { l: 56, r: 12, t: 18, b: 34 };
  const SETTINGS = { displayModeBar: false, responsive: true, showTips: false, doubleClick: false };
  const MOST_COLUMNS = 5000;

  let meta = null;

  const places = { timeline: "#figure-timeline", latency: "#figure-latency", heat_map: "#figure-heat-map" };
  const placeOf = (name) => document.querySelector(places[name]);
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const milliseconds = (seconds) => seconds * 1000;
  const timed = () => meta.starts.filter((start) => start !== null);

  const layoutOf = (name, more) => {
    const layout = structuredClone(meta.figures[name].layout ?? {});
    delete layout.title; // the page has a heading for it
    delete layout.width;
    delete layout.height;
    const starts = timed();
    return {
      ...layout, template: meta.templates[envoylogs.contents.isDark() ? "dark" : "light"],
      autosize: true, margin: MARGIN, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...layout.font, family: style("--font"), size: 12, color: style("--text") },
      legend: { ...layout.legend, orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left" },
      xaxis: {
        ...layout.xaxis, type: "date", title: undefined, fixedrange: true,
        range: [milliseconds(starts[0]), milliseconds(starts.at(-1) + meta.width_s)],
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

  // Where a finding began is marked by its number, as on its card.
  const onsets = () => {
    const known = meta.findings.map(({ since, title }, place) => ({ since, title, number: place + 1 }))
      .filter(({ since }) => since !== null && since !== undefined).slice(0, 5);
    const bars = known.map(({ since }) => line(since / 1000, style("--text")));
    const notes = known.map(({ since, title, number }) => ({
      x: since / 1000, xref: "x", y: 1, yref: "paper", yanchor: "top", xanchor: "left", showarrow: false,
      text: String(number), hovertext: `${number}. ${plotlyText(title)}`, captureevents: true,
      bgcolor: style("--surface"), bordercolor: style("--line"), font: { size: 11 }, borderpad: 2,
    }));
    return { bars, notes };
  };

  const drawTimeline = (results, view) => {
    const starts = timed();
    const names = [...meta.actors.map((actor) => actor.name), "noise"];
    const data = tracesOf("timeline", (trace, place) => ({
      x: starts.map(milliseconds), y: starts.map((_, bucket) => results.over_time[place]?.[bucket] ?? 0),
      offset: 0, width: meta.width_s * 1000, selectedpoints: null,
      visible: results.over_time[place]?.some((n) => n > 0) ?? false,
      marker: { ...trace.marker, line: { width: 0 }, ...(envoylogs.contents.actorColor(names[place]) && { color: envoylogs.contents.actorColor(names[place]) }) },
      selected: undefined, unselected: { marker: { opacity: 1 } },
    }));
    const { bars, notes } = onsets();
    const edge = [milliseconds(starts[0]), milliseconds(starts.at(-1) + meta.width_s)];
    const outside = [];
    if (view.from !== null) outside.push(shade(edge[0], milliseconds(view.from)));
    if (view.to !== null) outside.push(shade(milliseconds(view.to), edge[1]));
    return ["timeline", data, layoutOf("timeline", {
      dragmode: "select", selectdirection: "h", bargap: 0, shapes: [...outside, ...bars], annotations: notes, selections: [],
      activeselection: undefined, newselection: { line: { color: style("--accent"), width: 1 } }, showlegend: true,
    })];
  };

  const drawLatency = (results) => {
    const rows = results.latency_over_time.filter((row) => row.start !== null);
    const half = milliseconds(meta.width_s) / 2;
    const few = rows.length <= 60;
    const data = tracesOf("latency", (trace) => ({
      x: rows.map((row) => milliseconds(row.start) + half), y: rows.map((row) => row[trace.name] ?? null),
      connectgaps: false, ...(few && { mode: "lines+markers", marker: { ...trace.marker, size: 4 } }),
    }));
    return ["latency", data, layoutOf("latency", { showlegend: true, dragmode: false, hovermode: "x" })];
  };

  // Buckets without records have no column; a heat map needs one for each, or it would widen others.
  const columnsOf = () => {
    const starts = timed();
    const columns = Math.round((starts.at(-1) - starts[0]) / meta.width_s) + 1;
    if (columns > MOST_COLUMNS) return { starts, place: starts.map((_, bucket) => bucket) };
    return {
      starts: Array.from({ length: columns }, (_, column) => starts[0] + column * meta.width_s),
      place: starts.map((start) => Math.round((start - starts[0]) / meta.width_s)),
    };
  };

  const drawHeatMap = (results) => {
    const { edges, cells } = results.heat_map;
    const { starts, place } = columnsOf();
    const z = cells.map((cell) => {
      const row = new Array(starts.length).fill(null); // nothing is no color, not the lightest one
      place.forEach((column, bucket) => { if (cell[bucket]) row[column] = cell[bucket]; });
      return row;
    });
    const wholes = cells.map((_, place) => {
      const [from, to] = [Math.ceil(edges[place] === 0.5 ? 0 : edges[place]), edges[place + 1] - 1];
      return from >= to ? `${count(from)} ms` : `${count(from)} to ${count(to)} ms`;
    });
    const data = tracesOf("heat_map", () => ({
      x: [...starts, starts.at(-1) + meta.width_s].map(milliseconds), y: edges, z,
      text: z.map((row, of) => row.map(() => wholes[of])),
      hovertemplate: "%{x}<br>%{text}: %{z:,} requests<extra></extra>",
      colorbar: { thickness: 10, outlinewidth: 0, title: { text: "requests", side: "right" } },
    }));
    return ["heat_map", data, layoutOf("heat_map", { dragmode: false })];
  };

  // A drag over the chart chooses whole buckets.
  const readBrush = (event) => {
    const range = event?.range?.x;
    if (!range) return;
    const [from, to] = range.map((edge) => (typeof edge === "number" ? edge : Date.parse(`${edge.replace(" ", "T")}Z`)) / 1000);
    envoylogs.view.set({ from: Math.min(from, to), to: Math.max(from, to) });
  };

  let listening = false;

  const draw = (results, view) => {
    if (!window.Plotly || !timed().length) return;
    for (const [name, data, layout] of [drawTimeline(results, view), drawLatency(results), drawHeatMap(results)]) {
      window.Plotly.react(placeOf(name), data, layout, SETTINGS);
    }
    if (listening) return;
    listening = true;
    placeOf("timeline").on("plotly_selected", readBrush);
  };

  const start = (given) => { meta = given; };

  envoylogs.figures = { start, draw };
})((window.envoylogs ??= {}));
