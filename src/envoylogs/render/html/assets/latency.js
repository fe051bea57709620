// Latency of any groups of the selected rows: percentiles, over time, and as a map. Plain numbers.
(function (envoylogs) {
  "use strict";

  const QUANTILES = [50, 90, 95, 99];

  // Nearest rank, `ceil(q * n)` in whole numbers. `keys` has a key for each row and `groups` the
  // group of each key, -1 for none. Rows ascend by latency: a rank is reached once, on the way.
  const percentiles = (latent, keys, groups, n) => {
    const { ms, requests, length } = latent;
    const steps = QUANTILES.length;
    const found = new Float64Array(n.length * steps);
    const next = new Uint8Array(n.length);
    const seen = new Float64Array(n.length);
    const rank = (group) => Math.ceil((QUANTILES[next[group]] * n[group]) / 100);
    const awaited = Float64Array.from(n, (_, group) => rank(group));
    for (let row = 0; row < length; row += 1) {
      const group = groups[keys[row]];
      if (group < 0) continue;
      seen[group] += requests[row];
      while (seen[group] >= awaited[group]) {
        found[group * steps + next[group]] = ms[row];
        next[group] += 1;
        awaited[group] = next[group] < steps ? rank(group) : Infinity;
      }
    }
    return found;
  };

  const NO_QUANTILES = { p50: null, p90: null, p95: null, p99: null };
  const quantilesOf = (found, group) => {
    const at = group * QUANTILES.length;
    return { p50: found[at], p90: found[at + 1], p95: found[at + 2], p99: found[at + 3] };
  };

  // Latency of groups of combinations.
  const latencyOf = (selection, groups, length) => {
    const n = new Float64Array(length);
    const totalMs = new Float64Array(length);
    const max = new Float64Array(length);
    for (let c = 0; c < groups.length; c += 1) {
      const group = groups[c];
      if (group < 0 || !selection.timed[c]) continue;
      n[group] += selection.timed[c];
      totalMs[group] += selection.totalMs[c];
      if (selection.maxMs[c] > max[group]) max[group] = selection.maxMs[c];
    }
    const found = percentiles(selection.latent, selection.latent.combination, groups, n);
    return (group) => (n[group]
      ? { count: n[group], ...quantilesOf(found, group), max: max[group], mean: totalMs[group] / n[group] }
      : { count: 0, ...NO_QUANTILES, max: null, mean: null });
  };

  const latencyOverTime = ({ latent, shown }, bins) => {
    const n = new Float64Array(bins.starts.length);
    const keys = latent.bin.slice(0, latent.length);
    for (let row = 0; row < latent.length; row += 1) {
      if (!shown[latent.combination[row]]) keys[row] = 0;
      else if (keys[row]) n[keys[row] - 1] += latent.requests[row];
    }
    const groups = Int32Array.from({ length: n.length + 1 }, (_, key) => key - 1);
    const found = percentiles(latent, keys, groups, n);
    return bins.starts.map((start, bin) =>
      ({ start, count: n[bin], ...(n[bin] ? quantilesOf(found, bin) : NO_QUANTILES) }));
  };

  const heatMap = ({ latent, shown }, bins, edges) => {
    const cells = edges.slice(1).map(() => new Float64Array(bins.starts.length));
    let place = 0;
    let lowest = edges.length;
    for (let row = 0; row < latent.length; row += 1) {
      if (!shown[latent.combination[row]] || !latent.bin[row]) continue;
      while (place + 2 < edges.length && latent.ms[row] >= edges[place + 1]) place += 1;
      cells[place][latent.bin[row] - 1] += latent.requests[row];
      if (place < lowest) lowest = place;
    }
    const from = Math.min(lowest, place);
    return { from, edges: edges.slice(from, place + 2), cells: cells.slice(from, place + 1) };
  };

  envoylogs.latency = { latencyOf, latencyOverTime, heatMap };
})((window.envoylogs ??= {}));
