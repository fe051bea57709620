// The share of each cluster of a route over time. Plain numbers.
(function (envoylogs) {
  "use strict";

  // Those with most requests have a color each, by their place among their names, whatever the
  // filters are; all others of a route are one. `colors` is how many there are.
  const placesOf = (counts, parts, colors) => {
    const { rows } = counts;
    const totals = new Float64Array(parts.length);
    for (let row = 0; row < rows.length; row += 1) {
      const group = parts.groups[rows.combination[row]];
      if (group >= 0) totals[group] += rows.requests[row];
    }
    const wholes = new Map();
    for (let group = 0; group < parts.length; group += 1) {
      const whole = parts.wholeOf(group);
      if (!wholes.has(whole)) wholes.set(whole, []);
      wholes.get(whole).push({ group, name: String(parts.valueOf("upstream_cluster", group)) });
    }
    const byName = (a, b) => (a.name < b.name ? -1 : Number(a.name > b.name));
    const places = new Int32Array(parts.length).fill(colors);
    for (const of of wholes.values()) {
      const most = of.sort((a, b) => totals[b.group] - totals[a.group] || byName(a, b)).slice(0, colors);
      most.sort(byName).forEach(({ group }, place) => { places[group] = place; });
    }
    return places;
  };

  // Of some wholes, each with its parts, the requests of each color by bin of time.
  const sharesOverTime = (counts, selection, bins, wholes) => {
    const { parts, rows, meta } = counts;
    const colors = meta.split.colors.length;
    counts.partPlaces ??= placesOf(counts, parts, colors);
    const series = new Map();
    const found = wholes.map((whole) => {
      const clusters = new Map();
      for (const { group } of whole.parts) {
        const place = counts.partPlaces[group];
        if (!clusters.has(place)) clusters.set(place, { place, names: [], requests: new Float64Array(bins.starts.length) });
        clusters.get(place).names.push(parts.valueOf("upstream_cluster", group));
        series.set(group, clusters.get(place).requests);
      }
      const { group } = whole.parts[0];
      return {
        route_name: parts.valueOf("route_name", group), host: parts.valueOf("host", group),
        clusters: [...clusters.values()].sort((a, b) => a.place - b.place),
      };
    });
    const seriesOf = Array.from(parts.groups, (group) => series.get(group));
    for (let row = 0; row < rows.length; row += 1) {
      const c = rows.combination[row];
      const requests = seriesOf[c];
      if (requests === undefined || !selection.keeps[c] || !selection.shown[c]) continue;
      const at = rows.bucket[row];
      const bin = bins.of[at];
      if (bin >= 0 && selection.inTime[at]) requests[bin] += rows.requests[row];
    }
    return found.map((split) => ({
      ...split,
      totals: bins.starts.map((_, bin) => split.clusters.reduce((sum, { requests }) => sum + requests[bin], 0)),
    }));
  };

  envoylogs.shares = { sharesOverTime };
})((window.envoylogs ??= {}));
