// Which tables the page has, and how each column reads a row of `sums.js`.
(function (envoylogs) {
  "use strict";

  const { printable, isFolded, percent, iso, clock, dayAndClock, milliseconds } = envoylogs.text;
  const { keyOf, classOfCode } = envoylogs.counts;

  let meta = null;
  let days = 1;

  const start = (given) => {
    meta = given;
    const [first, last] = given.window;
    days = first === null || dayAndClock(first / 1e6).slice(0, 10) === dayAndClock(last / 1e6).slice(0, 10) ? 1 : 2;
    // A label that stands for several clusters would hide which one is meant.
    const seen = new Map();
    for (const { label } of Object.values(meta.clusters)) seen.set(label, (seen.get(label) ?? 0) + 1);
    if (meta.near) {
      // Tables share columns.
      for (const column of new Set(Object.values(columns).flat().filter(({ isLatency }) => isLatency))) {
        column.label = `≈ ${column.label}`;
        column.hint += `; ${meta.near}`;
      }
    }
    if (meta.width_s > 1) {
      firstSeen.label = "from";
      lastSeen.label = "to";
    }
    meta.ambiguousLabels = new Set([...seen].filter(([, times]) => times > 1).map(([label]) => label));
  };

  const time = (seconds) => (seconds === null ? "-" : (days > 1 ? dayAndClock : clock)(seconds));

  const clusterLabel = (value) => {
    const cluster = value === null || !Object.hasOwn(meta.clusters, value) ? null : meta.clusters[value];
    return cluster && !meta.ambiguousLabels.has(cluster.label) ? cluster.label : value;
  };

  const shownValue = (name, value) => printable(name === "upstream_cluster" ? clusterLabel(value) : value);

  // Paper is light, whatever the screen is.
  const isDark = () => {
    if (document.documentElement.classList.contains("printing")) return false;
    const theme = document.documentElement.dataset.theme;
    return theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };

  const actorColor = (name) => {
    const actor = meta.actors.find((other) => other.name === name);
    return actor ? actor.color[isDark() ? "dark" : "light"] : null;
  };

  const outcomeOf = (name) => (Object.hasOwn(meta.outcomes, keyOf(name)) ? meta.outcomes[name] : null);

  const text = (name, label, extra = {}) => ({ key: name, label, kind: "text", of: (row) => row[name], ...extra });
  const value = (name, label, extra = {}) => text(name, label, { dimension: name, ...extra });
  const number = (name, label, extra = {}) => ({ key: name, label, kind: "count", of: (row) => row[name], ...extra });
  const cluster = (extra) => value("upstream_cluster", "cluster", {
    shown: (name) => shownValue("upstream_cluster", name), title: (row) => printable(row.upstream_cluster), ...extra,
  });
  const outcome = (extra) => value("outcome", "outcome", {
    title: (row) => outcomeOf(row.outcome)?.meaning,
    swatch: (row) => actorColor(outcomeOf(row.outcome)?.actor), ...extra,
  });
  const latency = (quantile) => ({
    key: `latency_ms_${quantile}`, label: `${quantile} ms`, isLatency: true, kind: "ms", of: (row) => row.latency_ms[quantile],
    hint: "Latency of requests that the upstream answered",
  });
  const share = { key: "share", label: "share", kind: "percent", of: (row) => row.share, bar: true };
  const errors = number("errors", "errors", { hint: "The upstream or the gateway failed; never 4xx or unrouted" });
  const unrouted = number("unrouted", "unrouted", { hint: "The gateway had no route for the request" });
  const requests = number("requests", "requests");
  // Connections stand apart: beside requests only by outcome, and elsewhere where there are no requests.
  const connections = number("connections", "connections", {
    hint: "TCP or TLS connections; never among requests", when: (rows) => rows.some((row) => row.connections),
  });
  const alone = { ...connections, when: (rows) => rows.length > 0 && !rows.some((row) => row.requests) };

  const measures = [alone, requests, share, unrouted, errors, latency("p50"), latency("p90"), latency("p99")];
  const header = { header: true };

  const byDimension = {
    host: [value("host", "host", header), connections, requests, share, unrouted, errors, latency("p50"), latency("p99")],
    outcome: [
      outcome(header), { key: "must_act", label: "must act", kind: "text", of: (row) => outcomeOf(row.outcome)?.[row.errors ? "must_act_on_errors" : "must_act"] ?? null },
      connections, requests, share, errors, latency("p50"), latency("p99"),
    ],
    response_code: [{ ...value("response_code", "code", header), kind: "text" }, ...measures],
    path_group: [value("path_group", "path", header), ...measures],
    route_name: [value("route_name", "route", header), ...measures],
    upstream_cluster: [cluster(header), ...measures],
    upstream_host: [value("upstream_host", "upstream host", header), ...measures],
    response_flags: [value("response_flags", "flags", header), ...measures],
    gateway: [value("gateway", "gateway", header), ...measures],
  };

  const split = [
    value("route_name", "route", header), value("host", "host"), cluster(), requests, share,
    {
      key: "share_low", label: "95 % interval", kind: "percent", of: (row) => row.share_low,
      shown: (low, row) => `${percent(low).replace(" %", "")} to ${percent(row.share_high)}`,
      hint: "Wilson interval of the share: where it lies if requests are split by chance",
    },
    { key: "share_high", kind: "percent", of: (row) => row.share_high, onlyInCsv: true },
    errors, latency("p50"), latency("p99"),
  ];

  const written = (seconds) => (seconds === null ? null : iso(seconds));
  const moment = (name, label, of = (row) => row[name]) =>
    ({ key: name, label, kind: "time", of, shown: time, csv: written });

  // Of buckets wider than a second only the edges are known.
  const [firstSeen, lastSeen] = [moment("first", "first"), moment("last", "last")];

  const rejections = [
    outcome(header), value("host", "host"), value("route_name", "route"), value("response_flags", "flags"),
    { ...requests, label: "records", hint: "Requests, or connections where the outcome is one of connections" },
    firstSeen, lastSeen,
    {
      key: "known", label: "host is", kind: "text", of: (row) => (row.known ? "known" : "unknown"),
      hint: "Known: this log routed a request for it, or the configuration lists it",
    },
  ];

  const ledger = [text("label", "who answered 404", header), requests, share];

  // A file's own name is enough where no other has it.
  const sourceNames = new Map();
  const nameSources = (sources) => {
    const nameOf = (source) => String(source).split("/").at(-1);
    const all = sources.map(nameOf);
    for (const source of sources) {
      const name = nameOf(source);
      sourceNames.set(source, all.indexOf(name) === all.lastIndexOf(name) ? name : source);
    }
  };

  // Examples are whole, so they may have values that were folded in the counts, or cut.
  let places = {};
  const counted = (name, of) => places[name]?.has(keyOf(of)) ?? false;

  // Once, when the counts and the examples with them are unpacked.
  const startExamples = (counts) => {
    places = counts.places;
    nameSources([...new Set(meta.examples.map(({ source }) => source))]);
  };

  const ofExample = (column) => ({ ...column, pickable: (of) => counted(column.dimension, of) });

  const examples = [
    { ...moment("start", "time", (row) => (row.start === null ? null : row.start / 1e6)), header: true },
    outcome(), value("host", "host"), value("method", "method"), text("path", "path"),
    { ...value("response_code", "code"), kind: "text" }, value("response_flags", "flags"),
    text("response_code_details", "details"), text("request_id", "request id"),
    {
      key: "source", label: "line", kind: "text", of: (row) => `${row.source}:${row.line}`,
      shown: (of, row) => printable(`${sourceNames.get(row.source)}:${row.line}`), title: ({ source, line }) => printable(`${source}:${line}`),
    },
    { key: "duration_ms", label: "ms", kind: "ms", of: (row) => row.duration_ms, shown: milliseconds },
    text("client", "client"), cluster(), value("upstream_host", "upstream host"), value("route_name", "route"),
  ].map((column) => (column.dimension ? ofExample(column) : column));

  const empty = { split: "No route with several parts or a subset in this selection." };

  const columns = { ...byDimension, split, rejections, ledger, examples };

  // Examples are filtered by themselves, and go with all others where their value was folded.
  const examplesIn = (view) => meta.examples.filter((line) => {
    if (line.noise && view.noise !== "shown") return false;
    const seconds = line.start === null ? null : line.start / 1e6;
    if (view.from !== null && (seconds === null || seconds < view.from)) return false;
    if (view.to !== null && (seconds === null || seconds >= view.to)) return false;
    return Object.entries(view.filters).every(([name, values]) => {
      const own = name === "code_class" ? classOfCode(line.response_code) : line[name];
      if (own === undefined) return true; // what they don't say of themselves
      return values.some((other) => (counted(name, own) ? keyOf(other) === keyOf(own) : isFolded(other)));
    });
  });

  envoylogs.contents = { start, columns, empty, shownValue, actorColor, isDark, time, startExamples, examplesIn };
})((window.envoylogs ??= {}));
