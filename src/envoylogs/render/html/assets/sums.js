// Everything the page shows of one selection: totals, tables, series over time. Plain numbers.
(function (envoylogs) {
  "use strict";

  const QUANTILES = [["p50", 50], ["p90", 90], ["p95", 95], ["p99", 99]];
  const Z = 1.959963984540054; // of a 95 % interval

  // Nearest rank, `ceil(q * n)` in whole numbers, of groups given by one array that maps what
  // `keys` holds for each row. Rows ascend by latency: the last one seen is the maximum.
  const percentiles = (counts, latent, keys, groups, length) => {
    const { latency, requests } = counts.rows;
    const n = new Float64Array(length);
    const totalMs = new Float64Array(length);
    for (let k = 0; k < latent.length; k += 1) {
      const row = latent[k];
      const group = groups[keys[row]];
      if (group < 0) continue;
      n[group] += requests[row];
      totalMs[group] += requests[row] * latency[row];
    }
    const steps = QUANTILES.length;
    const ranks = new Float64Array(length * steps);
    for (let group = 0; group < length; group += 1) {
      for (let q = 0; q < steps; q += 1) ranks[group * steps + q] = Math.ceil((QUANTILES[q][1] * n[group]) / 100);
    }
    const found = new Float64Array(length * steps);
    const max = new Float64Array(length);
    const seen = new Float64Array(length);
    const next = new Uint8Array(length);
    for (let k = 0; k < latent.length; k += 1) {
      const row = latent[k];
      const group = groups[keys[row]];
      if (group < 0) continue;
      seen[group] += requests[row];
      max[group] = latency[row];
      while (next[group] < steps && seen[group] >= ranks[group * steps + next[group]]) {
        found[group * steps + next[group]] = latency[row];
        next[group] += 1;
      }
    }
    return (group) => {
      const of = { count: n[group] };
      QUANTILES.forEach(([name], q) => { of[name] = n[group] ? found[group * steps + q] : null; });
      of.max = n[group] ? max[group] : null;
      of.mean = n[group] ? totalMs[group] / n[group] : null;
      return of;
    };
  };

  const totalsOf = (counts, selection) => {
    const { connection, error, noise } = counts.combinations;
    const totals = { requests: 0, connections: 0, errors: 0, unrouted: 0, noise: 0, unrouted_noise: 0, noise_connections: 0 };
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
      if (noise[c] && counts.unrouted[c]) totals.unrouted_noise += n;
    }
    const countable = totals.requests - totals.noise;
    totals.error_share = countable > 0 ? totals.errors / countable : null;
    const all = new Int8Array(counts.length);
    totals.latency_ms = percentiles(counts, selection.everyLatent, counts.rows.combination, all, 1)(0);
    return totals;
  };

  // Requests, errors and latency by groups of combinations; -1 leaves a combination out.
  const grouped = (counts, selection, groups, length) => {
    const { connection, error } = counts.combinations;
    const sums = ["requests", "errors", "unrouted", "connections"].map(() => new Float64Array(length));
    const [requests, errors, unrouted, connections] = sums;
    let total = 0;
    for (let c = 0; c < counts.length; c += 1) {
      const n = selection.requests[c];
      const group = groups[c];
      if (!n || group < 0 || !selection.shown[c]) continue;
      if (connection[c]) { connections[group] += n; continue; }
      total += n;
      requests[group] += n;
      if (error[c]) errors[group] += n;
      if (counts.unrouted[c]) unrouted[group] += n;
    }
    const latencyOf = percentiles(counts, selection.latent, counts.rows.combination, groups, length);
    const rows = [];
    for (let group = 0; group < length; group += 1) {
      if (!requests[group] && !connections[group]) continue;
      rows.push({
        group, requests: requests[group], share: total ? requests[group] / total : null,
        unrouted: unrouted[group], errors: errors[group], connections: connections[group],
        latency_ms: latencyOf(group),
      });
    }
    return rows.sort((a, b) => b.requests - a.requests || b.connections - a.connections || a.group - b.group);
  };

  const byDimension = (counts, selection, name) => {
    const values = counts.dimensions[name];
    return grouped(counts, selection, counts.combinations[name], values.length)
      .map(({ group, ...row }) => ({ [name]: values[group], ...row }));
  };

  const wilson = (part, of) => {
    const middle = (part + (Z * Z) / 2) / (of + Z * Z);
    const half = (Z / (of + Z * Z)) * Math.sqrt((part * (of - part)) / of + (Z * Z) / 4);
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  };

  // Which (route, host, cluster) each combination belongs to never changes: found once.
  const partsOf = (counts) => {
    const { route_name, host, upstream_cluster, connection } = counts.combinations;
    const hosts = counts.dimensions.host.length;
    const clusters = counts.dimensions.upstream_cluster.length;
    const without = counts.places.upstream_cluster.get("-") ?? -1;
    const places = new Map();
    const parts = [];
    const groups = new Int32Array(counts.length).fill(-1);
    for (let c = 0; c < counts.length; c += 1) {
      if (connection[c] || counts.notSent[c] || upstream_cluster[c] === without) continue;
      const group = route_name[c] * hosts + host[c];
      const key = group * clusters + upstream_cluster[c];
      if (!places.has(key)) {
        places.set(key, parts.length);
        parts.push({
          group, route_name: counts.dimensions.route_name[route_name[c]],
          host: counts.dimensions.host[host[c]],
          upstream_cluster: counts.dimensions.upstream_cluster[upstream_cluster[c]],
        });
      }
      groups[c] = places.get(key);
    }
    return { parts, groups };
  };

  const splitsOf = (counts, selection) => {
    counts.parts ??= partsOf(counts);
    const { parts, groups } = counts.parts;
    const sent = new Map();
    for (const row of grouped(counts, selection, groups, parts.length)) {
      const part = parts[row.group];
      if (!sent.has(part.group)) sent.set(part.group, { requests: 0, rows: [] });
      const group = sent.get(part.group);
      group.requests += row.requests;
      group.rows.push({ ...part, ...row });
    }
    const hasSubset = (row) => Boolean(counts.meta.clusters[row.upstream_cluster]?.subset);
    return [...sent.values()]
      .filter((group) => group.rows.length > 1 || group.rows.some(hasSubset))
      .sort((a, b) => b.requests - a.requests)
      .flatMap((group) => group.rows.map(({ route_name, host, upstream_cluster, requests, errors, latency_ms }) => {
        const [share_low, share_high] = wilson(requests, group.requests);
        return {
          route_name, host, upstream_cluster, requests, share: requests / group.requests,
          share_low, share_high, errors, latency_ms,
        };
      }));
  };

  const rejectionsOf = (counts, selection) => {
    const names = ["outcome", "host", "route_name", "response_flags"];
    const found = new Map();
    const { starts } = counts.meta;
    for (let c = 0; c < counts.length; c += 1) {
      const n = selection.requests[c];
      if (!n || !counts.byGateway[c] || !selection.shown[c]) continue;
      const key = names.map((name) => counts.combinations[name][c]).join();
      const row = found.get(key);
      if (row) {
        row.requests += n;
        row.first = Math.min(row.first, selection.first[c]);
        row.last = Math.max(row.last, selection.last[c]);
        row.known ||= Boolean(counts.combinations.known[c]);
      } else {
        found.set(key, {
          ...Object.fromEntries(names.map((name) => [name, counts.dimensions[name][counts.combinations[name][c]]])),
          requests: n, first: selection.first[c], last: selection.last[c], known: Boolean(counts.combinations.known[c]),
        });
      }
    }
    return [...found.values()]
      .map((row) => ({ ...row, first: starts[row.first] ?? null, last: starts[row.last] ?? null }))
      .sort((a, b) => b.requests - a.requests);
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

  const latencyOverTime = (counts, selection) => {
    const buckets = counts.meta.starts.length;
    const itself = Int32Array.from({ length: buckets }, (_, bucket) => bucket);
    const of = percentiles(counts, selection.latent, counts.rows.bucket, itself, buckets);
    return counts.meta.starts.map((start, bucket) => ({ start, ...of(bucket) }));
  };

  // Classes of latency about as wide as a log scale's steps, down to single milliseconds.
  const EDGES = [0.5, 1];
  for (let decade = 1; decade < 1e7; decade *= 10) {
    for (const step of [1.5, 2, 3, 4, 5, 7, 10]) if (Number.isInteger(step * decade)) EDGES.push(step * decade);
  }

  const heatMap = (counts, selection) => {
    const { latency, bucket, requests } = counts.rows;
    const cells = EDGES.map(() => new Float64Array(counts.meta.starts.length));
    let place = 0;
    let highest = 0;
    let lowest = EDGES.length;
    for (const row of selection.latent) {
      while (place + 2 < EDGES.length && latency[row] >= EDGES[place + 1]) place += 1;
      cells[place][bucket[row]] += requests[row];
      highest = place;
      if (place < lowest) lowest = place;
    }
    const from = Math.min(lowest, highest);
    return { edges: EDGES.slice(from, highest + 2), cells: cells.slice(from, highest + 1) };
  };

  const DIMENSIONS = [
    "host", "path_group", "outcome", "response_code", "route_name", "upstream_cluster", "response_flags",
    "gateway", "upstream_host",
  ];

  const results = (counts, view) => {
    const selection = envoylogs.counts.select(counts, view);
    const tables = Object.fromEntries(DIMENSIONS.map((name) => [name, byDimension(counts, selection, name)]));
    tables.split = splitsOf(counts, selection);
    tables.rejections = rejectionsOf(counts, selection);
    tables.ledger = ledgerOf(counts, selection);
    return {
      totals: totalsOf(counts, selection), tables, inTime: selection.inTime, over_time: selection.overTime,
      latency_over_time: latencyOverTime(counts, selection), heat_map: heatMap(counts, selection),
    };
  };

  envoylogs.sums = { results };
})((window.envoylogs ??= {}));
