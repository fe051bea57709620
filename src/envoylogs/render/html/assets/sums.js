// Everything the page shows of one selection: totals, tables, requests over time. Plain numbers.
(function (envoylogs) {
  "use strict";

  const Z = 1.959963984540054; // of a 95 % interval

  const { isFolded } = envoylogs.text;
  const { latencyOf, latencyOverTime, heatMap } = envoylogs.latency;

  const totalsOf = (counts, selection) => {
    const { connection, error, noise } = counts.combinations;
    const totals = { requests: 0, connections: 0, errors: 0, unrouted: 0, noise: 0, noise_connections: 0 };
    for (let c = 0; c < counts.length; c += 1) {
      const n = selection.requests[c];
      if (!n) continue;
      if (connection[c]) {
        totals.connections += n;
        if (noise[c]) totals.noise_connections += n;
        continue;
      }
      totals.requests += n;
      if (error[c]) totals.errors += n;
      if (counts.unrouted[c]) totals.unrouted += n;
      if (noise[c]) totals.noise += n;
    }
    const countable = totals.requests - totals.noise;
    totals.error_share = countable > 0 ? totals.errors / countable : null;
    totals.latency_ms = latencyOf(selection, new Int32Array(counts.length), 1)(0);
    return totals;
  };

  // Requests, errors and latency by groups of combinations; -1 leaves a combination out.
  const grouped = (counts, selection, all, length) => {
    const { connection, error } = counts.combinations;
    const groups = new Int32Array(counts.length); // places are unsigned, and -1 is none
    for (let c = 0; c < counts.length; c += 1) {
      groups[c] = selection.shown[c] && selection.requests[c] ? all[c] : -1;
    }
    const sums = ["requests", "errors", "unrouted", "connections"].map(() => new Float64Array(length));
    const [requests, errors, unrouted, connections] = sums;
    let total = 0;
    for (let c = 0; c < counts.length; c += 1) {
      const n = selection.requests[c];
      const group = groups[c];
      if (group < 0) continue;
      if (connection[c]) { connections[group] += n; continue; }
      total += n;
      requests[group] += n;
      if (error[c]) errors[group] += n;
      if (counts.unrouted[c]) unrouted[group] += n;
    }
    const latency = latencyOf(selection, groups, length);
    const rows = [];
    for (let group = 0; group < length; group += 1) {
      if (!requests[group] && !connections[group]) continue;
      rows.push({
        group, requests: requests[group], share: total ? requests[group] / total : null,
        unrouted: unrouted[group], errors: errors[group], connections: connections[group],
        latency_ms: latency(group),
      });
    }
    return rows.sort((a, b) => b.requests - a.requests || b.connections - a.connections || a.group - b.group);
  };

  // Only by outcome are there rows of connections alone, unless there is nothing else.
  const byDimension = (counts, selection, name) => {
    const values = counts.dimensions[name];
    const rows = grouped(counts, selection, counts.combinations[name], values.length);
    const requests = rows.filter((row) => row.requests);
    return (name === "outcome" || !requests.length ? rows : requests)
      .map(({ group, ...row }) => ({ [name]: values[group], ...row }));
  };

  const wilson = (part, of) => {
    const middle = (part + (Z * Z) / 2) / (of + Z * Z);
    const half = (Z / (of + Z * Z)) * Math.sqrt((part * (of - part)) / of + (Z * Z) / 4);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };

  // Which group of values each combination that `belongs` has never changes: found once.
  const groupsBy = (counts, names, belongs) => {
    const columns = names.map((name) => counts.combinations[name]);
    const sizes = names.map((name) => counts.dimensions[name].length);
    const places = new Map();
    const firsts = [];
    const groups = new Int32Array(counts.length).fill(-1);
    for (let c = 0; c < counts.length; c += 1) {
      if (!belongs(c)) continue;
      let key = 0;
      for (let k = 0; k < names.length; k += 1) key = key * sizes[k] + columns[k][c];
      let place = places.get(key);
      if (place === undefined) {
        place = firsts.length;
        places.set(key, place);
        firsts.push(c);
      }
      groups[c] = place;
    }
    return { groups, length: firsts.length, firsts, valueOf: (name, group) =>
      counts.dimensions[name][counts.combinations[name][firsts[group]]] };
  };

  const foldedOf = (counts, names) => {
    const found = new Uint8Array(counts.length);
    for (const name of names) {
      const marks = counts.dimensions[name].map((value) => (isFolded(value) ? 1 : 0));
      const of = counts.combinations[name];
      for (let c = 0; c < found.length; c += 1) found[c] |= marks[of[c]];
    }
    return found;
  };

  const partsOf = (counts) => {
    const { upstream_cluster, connection } = counts.combinations;
    const without = counts.places.upstream_cluster.get("-") ?? -1;
    // What was folded is of several routes or hosts, whose parts would be one split.
    const folded = foldedOf(counts, ["route_name", "host"]);
    const sent = (c) => !connection[c] && !counts.notSent[c] && upstream_cluster[c] !== without && !folded[c];
    const parts = groupsBy(counts, ["route_name", "host", "upstream_cluster"], sent);
    const whole = groupsBy(counts, ["route_name", "host"], sent);
    return { ...parts, wholeOf: (group) => whole.groups[parts.firsts[group]] };
  };

  // What was sent to several clusters, or to a subset.
  const wholesOf = (counts, selection) => {
    counts.parts ??= partsOf(counts);
    const { groups, length, wholeOf, valueOf } = counts.parts;
    const wholes = new Map();
    for (const part of grouped(counts, selection, groups, length)) {
      if (!part.requests) continue;
      const key = wholeOf(part.group);
      let whole = wholes.get(key);
      if (!whole) wholes.set(key, whole = { requests: 0, parts: [] });
      whole.requests += part.requests;
      whole.parts.push(part);
    }
    const hasSubset = ({ group }) => Boolean(counts.meta.clusters[valueOf("upstream_cluster", group)]?.subset);
    return [...wholes.values()]
      .filter(({ parts }) => parts.length > 1 || parts.some(hasSubset))
      .sort((a, b) => b.requests - a.requests);
  };

  // Whether there is one at all, under any filters.
  const hasSplits = (counts) => {
    counts.parts ??= partsOf(counts);
    const { length, wholeOf, valueOf } = counts.parts;
    const wholes = new Set(Array.from({ length }, (_, group) => wholeOf(group)));
    const subset = (group) => counts.meta.clusters[valueOf("upstream_cluster", group)]?.subset;
    return wholes.size < length || Array.from({ length }, (_, group) => subset(group)).some(Boolean);
  };

  const splitsOf = (counts, selection) => {
    const wholes = wholesOf(counts, selection); // which makes the parts
    const { valueOf } = counts.parts;
    return wholes.flatMap((whole) => whole.parts.map(({ group, requests, errors, latency_ms }) => {
        const [share_low, share_high] = wilson(requests, whole.requests);
        return {
          route_name: valueOf("route_name", group), host: valueOf("host", group),
          upstream_cluster: valueOf("upstream_cluster", group), requests, share: requests / whole.requests,
          share_low, share_high, errors, latency_ms,
        };
      }));
  };

  const splitsOverTimeOf = (counts, selection, bins) =>
    envoylogs.shares.sharesOverTime(counts, selection, bins, wholesOf(counts, selection));

  // A bucket begins before the first record in it and ends after the last one.
  const seenIn = ({ starts, width_s, window }, first, last) => {
    if (last < 0) return { first: null, last: null };
    const end = starts[last];
    if (width_s === 1) return { first: starts[first], last: end };
    return { first: Math.max(starts[first], Math.floor(window[0] / 1e6)), last: Math.min(end + width_s, Math.ceil(window[1] / 1e6)) };
  };

  const rejectionsOf = (counts, selection) => {
    const names = ["outcome", "host", "route_name", "response_flags"];
    counts.rejected ??= groupsBy(counts, names, (c) => counts.byGateway[c] === 1);
    const { groups, valueOf } = counts.rejected;
    const { known } = counts.combinations;
    const { starts } = counts.meta;
    const found = new Map();
    for (let c = 0; c < counts.length; c += 1) {
      const n = selection.requests[c];
      if (!n || groups[c] < 0 || !selection.shown[c]) continue;
      let row = found.get(groups[c]);
      if (!row) {
        row = { group: groups[c], requests: 0, first: starts.length, last: -1, known: false };
        found.set(groups[c], row);
      }
      row.requests += n;
      row.first = Math.min(row.first, selection.first[c]);
      row.last = Math.max(row.last, selection.last[c]);
      row.known ||= known[c] === 1;
    }
    return [...found.values()].sort((a, b) => b.requests - a.requests).map(({ group, ...row }) => ({
      ...Object.fromEntries(names.map((name) => [name, valueOf(name, group)])), ...row,
      ...seenIn(counts.meta, row.first, row.last),
    }));
  };

  const ledgerOf = (counts, selection) => {
    const { ledger, connection } = counts.combinations;
    const requests = new Float64Array(counts.meta.ledger.length);
    let all = 0;
    for (let c = 0; c < counts.length; c += 1) {
      if (ledger[c] < 0 || connection[c] || !selection.shown[c]) continue;
      requests[ledger[c]] += selection.requests[c];
      all += selection.requests[c];
    }
    return counts.meta.ledger
      .map(([key, label], place) => ({ key, label, requests: requests[place], share: all ? requests[place] / all : null }))
      .filter((row) => row.requests > 0);
  };

  const DIMENSIONS = [
    "host", "path_group", "outcome", "response_code", "route_name", "upstream_cluster", "response_flags",
    "gateway", "upstream_host",
  ];

  // Requests and failed connections over time; where there is no request, all connections.
  const overTimeOf = ({ overTime: [requests, failed, others] }) => {
    const some = ({ series, noise, strays, untimed }) =>
      noise + strays + untimed > 0 || series.some((of) => of.some((n) => n > 0));
    const [of, kinds] = some(requests) || !(some(failed) || some(others))
      ? [some(failed) ? "requests and failed connections" : "requests", [requests, failed]]
      : ["connections", [failed, others]];
    const [one, other] = kinds;
    return {
      of, series: one.series.map((counts, trace) => counts.map((n, bin) => n + other.series[trace][bin])),
      noise: one.noise + other.noise, strays: one.strays + other.strays, untimed: one.untimed + other.untimed,
    };
  };

  const lazily = (object, name, make) => Object.defineProperty(object, name, {
    enumerable: true, configurable: true,
    get() {
      const value = make();
      Object.defineProperty(object, name, { enumerable: true, value });
      return value;
    },
  });

  // Totals are counted at once; the rest when it is asked for, since most of it is out of sight. The
  // counts hold one selection, the last one: one that was put aside before is made again.
  const results = (counts, view) => {
    const asked = { ...view };
    const bins = envoylogs.counts.binsFor(counts, asked);
    const selected = () => {
      if (counts.selectedFor !== asked) {
        counts.selection = envoylogs.counts.select(counts, asked, bins);
        counts.selectedFor = asked;
      }
      return counts.selection;
    };
    const tables = {};
    for (const name of DIMENSIONS) lazily(tables, name, () => byDimension(counts, selected(), name));
    lazily(tables, "split", () => splitsOf(counts, selected()));
    lazily(tables, "rejections", () => rejectionsOf(counts, selected()));
    lazily(tables, "ledger", () => ledgerOf(counts, selected()));
    const found = { totals: totalsOf(counts, selected()), tables, bins };
    lazily(found, "over_time", () => overTimeOf(selected()));
    lazily(found, "splits_over_time", () => splitsOverTimeOf(counts, selected(), bins.splits));
    lazily(found, "latency_over_time", () => latencyOverTime(selected(), bins.chosen));
    lazily(found, "heat_map", () => heatMap(selected(), bins.chosen, counts.meta.latency_edges_ms));
    return found;
  };

  envoylogs.sums = { results, hasSplits };
})((window.envoylogs ??= {}));
