// What is selected: filters, time, noise. The part of the address after `#` holds all of it.
(function (envoylogs) {
  "use strict";

  const { keyOf } = envoylogs.counts;
  const { iso, dayAndClock } = envoylogs.text;
  const { readTime } = envoylogs.times;

  // In the order in which chips and links name them.
  const LABELS = {
    host: "host", path_group: "path", outcome: "outcome", failure: "failure", code_class: "code class", response_code: "code",
    upstream_cluster: "cluster", upstream_host: "upstream host", gateway: "gateway", route_name: "route",
    response_flags: "flags", method: "method",
  };

  const view = { from: null, to: null, noise: "apart", filters: {} };
  let usualNoise = "apart"; // shown from the start where a finding is about it
  const listeners = [];
  let grid = { starts: [], width_s: 1, width: "second" };

  const secondsOf = (time) => {
    if (time === null || time === undefined || time === "") return null;
    return typeof time === "number" && Number.isFinite(time) ? time : readTime(String(time));
  };

  // Counts are known by bucket: a time in the middle of one is moved to its edge, outwards.
  const snapped = (time, round) => {
    const seconds = secondsOf(time);
    const start = grid.starts[0] ?? null;
    if (seconds === null || start === null) return null;
    return start + round((seconds - start) / grid.width_s) * grid.width_s;
  };

  const valueOf = (name, text) => {
    if (text === null || text === "-") return null;
    return name === "response_code" && /^\d+$/.test(text) ? Number(text) : text;
  };

  const normalized = (filters) => {
    const kept = {};
    for (const name of Object.keys(LABELS)) {
      if (!Object.hasOwn(filters, name)) continue;
      const list = filters[name];
      const values = new Map((Array.isArray(list) ? list : [list]).map((value) => [keyOf(value), valueOf(name, value)]));
      if (values.size) kept[name] = [...values.values()];
    }
    return kept;
  };

  const fragmentOf = () => {
    const parts = new URLSearchParams();
    for (const [name, values] of Object.entries(view.filters)) {
      for (const value of values) parts.append(name, keyOf(value));
    }
    if (view.from !== null) parts.set("from", iso(view.from));
    if (view.to !== null) parts.set("to", iso(view.to));
    if (view.noise !== usualNoise) parts.set("noise", view.noise);
    return parts.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  };

  const readFragment = () => {
    const parts = new URLSearchParams(location.hash.slice(1));
    const filters = {};
    for (const name of Object.keys(LABELS)) {
      const values = parts.getAll(name);
      if (values.length) filters[name] = values;
    }
    return { from: parts.get("from"), to: parts.get("to"), noise: parts.get("noise") ?? usualNoise, filters };
  };

  const writeFragment = () => {
    const fragment = fragmentOf();
    if (location.hash.slice(1) === fragment) return;
    try {
      history.pushState(null, "", `#${fragment}`);
    } catch {
      location.hash = fragment; // some browsers refuse to write the history of a local file
    }
  };

  const assign = (changes) => {
    const edges = grid.starts.filter((start) => start !== null);
    if ("from" in changes) view.from = snapped(changes.from, Math.floor);
    if ("to" in changes) view.to = snapped(changes.to, Math.ceil);
    // The whole window is no filter: records without a time belong to it too.
    if (edges.length && view.from !== null && view.from <= edges[0]) view.from = null;
    if (edges.length && view.to !== null && view.to >= edges.at(-1) + grid.width_s) view.to = null;
    if ("noise" in changes) view.noise = changes.noise === "shown" ? "shown" : "apart";
    if ("filters" in changes) view.filters = normalized(changes.filters ?? {});
  };

  const tell = () => listeners.forEach((listener) => listener(view));

  const change = (changes) => {
    assign(changes);
    writeFragment();
    tell();
  };

  // What a finding's filters took the place of; it is gone once somebody chooses others.
  let replaced = null;

  // `from` and `to` may be RFC 3339 or seconds since 1970; `filters` replaces all filters.
  const set = (changes) => {
    if ("filters" in changes) replaced = null;
    if (replaced && "noise" in changes) delete replaced.view.noise;
    change(changes);
  };

  const get = () => ({
    from: view.from === null ? null : iso(view.from), to: view.to === null ? null : iso(view.to),
    noise: view.noise, filters: structuredClone(view.filters),
  });

  const has = (name, value) => (view.filters[name] ?? []).some((other) => keyOf(other) === keyOf(value));

  const toggle = (name, value) => {
    const values = view.filters[name] ?? [];
    const rest = values.filter((other) => keyOf(other) !== keyOf(value));
    set({ filters: { ...view.filters, [name]: rest.length < values.length ? rest : [...values, value] } });
  };

  const same = (filters) => {
    const plain = (of) => JSON.stringify(Object.entries(normalized(of)).map(([name, values]) => [name, values.map(keyOf).sort()]));
    return plain(filters) === plain(view.filters);
  };

  // A finding's filters take the place of all others, and give it back when they are taken off.
  const pick = ({ filters, noise }) => {
    if (same(filters)) {
      const back = replaced?.view ?? { filters: {} };
      replaced = null;
      change(back);
      return;
    }
    replaced ??= { view: { filters: view.filters } };
    if (noise && view.noise !== "shown") replaced.view.noise = view.noise;
    change({ filters, noise: noise ? "shown" : view.noise });
  };

  const reset = () => set({ from: null, to: null, noise: usualNoise, filters: {} });

  // A link may name times that the counts don't know: the address says what is shown instead.
  const follow = () => {
    const read = readFragment();
    assign(read);
    for (const name of ["from", "to"]) {
      const asked = secondsOf(read[name]);
      if (asked !== null && view[name] !== asked) envoylogs.text.say(movedInWords(name, view[name]));
    }
    if (location.hash.length < 2) return;
    try {
      history.replaceState(null, "", `#${fragmentOf()}`);
    } catch { /* some browsers refuse to write the history of a local file */ }
  };

  const movedInWords = (name, to) => {
    if (to === null) return name === "from" ? "The log begins there or later: no filter." : "The log ends there or earlier: no filter.";
    return `Moved to ${dayAndClock(to)}: counts are by the ${grid.width}.`;
  };

  const start = (meta) => {
    grid = meta;
    usualNoise = meta.noise;
    follow();
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) === fragmentOf()) return;
      replaced = null;
      follow();
      tell();
    });
  };

  envoylogs.view = {
    LABELS, get, set, has, toggle, same, pick, reset, movedInWords, start, now: () => view, usualNoise: () => usualNoise,
    onChange: (listener) => listeners.push(listener),
  };
})((window.envoylogs ??= {}));
