// The embedded counts as typed arrays, and the rows that a view keeps.
//
// A combination is one set of values of all dimensions; a row is one latency of one combination in
// one time bucket. Rows ascend by latency, so that percentiles of any grouping are one pass.
(function (envoylogs) {
  "use strict";

  // A missing value and the text "-" are the same in a link, as in the log itself.
  const keyOf = (value) => (value === null || value === undefined ? "-" : String(value));

  const bytesOf = (base64) => {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64.trim());
    return Uint8Array.from(atob(base64.trim()), (character) => character.charCodeAt(0));
  };

  const parsed = async (base64) => {
    const plain = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(plain).json();
  };

  const rowsOf = (encoded) => {
    const length = encoded.combinations.length;
    const latency = new Float64Array(length);
    const combination = new Uint32Array(length);
    let row = 0;
    let firstTimed = length;
    for (const [ms, repeated] of encoded.values) {
      if (ms !== null && firstTimed === length) firstTimed = row;
      let before = 0;
      for (const end = row + repeated; row < end; row += 1) {
        before += encoded.combinations[row];
        combination[row] = before;
        latency[row] = ms === null ? -1 : ms;
      }
    }
    return {
      length, latency, combination, firstTimed,
      bucket: Uint32Array.from(encoded.buckets), requests: Float64Array.from(encoded.requests),
    };
  };

  const classOfCode = (code) =>
    code === null ? "-" : code === 0 ? "0" : code >= 100 && code < 600 ? `${Math.floor(code / 100)}xx` : "other";

  // Code classes are a dimension like the others, made from the codes.
  const addCodeClasses = (dimensions, combinations) => {
    const classes = dimensions.response_code.map(classOfCode);
    const names = [...new Set(classes)].sort();
    dimensions.code_class = names.map((name) => (name === "-" ? null : name));
    const place = classes.map((name) => names.indexOf(name));
    combinations.code_class = Int32Array.from(combinations.response_code, (code) => place[code]);
  };

  const decode = async (base64, meta) => {
    const { dimensions, combinations: lists, rows, starts, examples } = await parsed(base64);
    // These are long, so they come packed with the counts.
    Object.assign(meta, { starts, examples });
    const combinations = {};
    for (const [name, list] of Object.entries(lists)) {
      combinations[name] = Int32Array.from(list);
    }
    addCodeClasses(dimensions, combinations);
    const places = {};
    for (const [name, values] of Object.entries(dimensions)) {
      places[name] = new Map(values.map((value, place) => [keyOf(value), place]));
    }
    const outcomes = dimensions.outcome.map((name) => meta.outcomes[name] ?? {});
    const ofOutcome = (test) => {
      const holds = outcomes.map((outcome) => (test(outcome) ? 1 : 0));
      return Uint8Array.from(combinations.outcome, (outcome) => holds[outcome]);
    };
    const actors = meta.actors.map((actor) => actor.name);
    const actorOfOutcome = outcomes.map((outcome) => Math.max(0, actors.indexOf(outcome.actor)));
    return {
      dimensions, combinations, places, meta, rows: rowsOf(rows), length: lists.host.length,
      unrouted: ofOutcome((outcome) => outcome.unrouted),
      byGateway: ofOutcome((outcome) => outcome.by_gateway),
      notSent: ofOutcome((outcome) => outcome.not_sent),
      actor: Uint8Array.from(combinations.outcome, (outcome) => actorOfOutcome[outcome]),
    };
  };

  // Figures have bins of time as narrow as `most_bins` lets them; -1 for records without a time.
  const binsOf = (meta) => {
    const timed = meta.starts.filter((start) => start !== null);
    if (!timed.length) return { starts: [], width_s: meta.width_s, of: new Int32Array(meta.starts.length).fill(-1) };
    const widths = meta.widths_s.filter((width) => width >= meta.width_s);
    const place = (start, width) => Math.floor(start / width);
    const fits = (width) => place(timed.at(-1), width) - place(timed[0], width) < meta.most_bins;
    const width = widths.find(fits) ?? widths.at(-1) ?? meta.width_s;
    const first = place(timed[0], width);
    return {
      width_s: width,
      starts: Array.from({ length: place(timed.at(-1), width) - first + 1 }, (_, bin) => (first + bin) * width),
      of: Int32Array.from(meta.starts, (start) => (start === null ? -1 : place(start, width) - first)),
    };
  };

  // Which combinations the filters keep: or within a dimension, and across them.
  const combinationsKept = (counts, filters) => {
    const kept = new Uint8Array(counts.length).fill(1);
    for (const [name, values] of Object.entries(filters)) {
      const places = counts.places[name];
      const allowed = new Uint8Array(places ? counts.dimensions[name].length : 1);
      for (const value of values) {
        const place = places?.get(keyOf(value));
        if (place !== undefined) allowed[place] = 1;
      }
      const of = counts.combinations[name];
      for (let c = 0; c < kept.length; c += 1) kept[c] &= of ? allowed[of[c]] : 0;
    }
    return kept;
  };

  const bucketsKept = (starts, from, to) =>
    Uint8Array.from(starts, (start) => {
      if (from === null && to === null) return 1;
      return start !== null && (from === null || start >= from) && (to === null || start < to) ? 1 : 0;
    });

  // Room for the rows with a latency that a selection keeps, made once: filters come quickly.
  const roomFor = (length) => ({
    length: 0, combination: new Uint32Array(length), bin: new Uint32Array(length),
    ms: new Float64Array(length), requests: new Float64Array(length),
  });

  // One pass over all rows: what each combination sums up to, and which rows have a latency.
  const select = (counts, view, bins) => {
    const { rows, meta, actor } = counts;
    const { connection, noise } = counts.combinations;
    const keeps = combinationsKept(counts, view.filters);
    const inTime = bucketsKept(meta.starts, view.from, view.to);
    const apart = view.noise !== "shown";
    const requests = new Float64Array(counts.length);
    const timed = new Float64Array(counts.length);
    const totalMs = new Float64Array(counts.length);
    const maxMs = new Float64Array(counts.length);
    const first = new Int32Array(counts.length).fill(meta.starts.length);
    const last = new Int32Array(counts.length).fill(-1);
    // The chart over time keeps its whole window, so that a brush can be moved and widened.
    const noiseTrace = meta.actors.length;
    const overTime = Array.from({ length: noiseTrace + 1 }, () => new Float64Array(bins.starts.length));
    const trace = Int8Array.from(actor, (of, c) =>
      (connection[c] || (noise[c] && apart) ? -1 : noise[c] ? noiseTrace : of));
    counts.room ??= roomFor(rows.length);
    const latent = counts.room;
    const { combination, bucket, latency, requests: each, firstTimed, length } = rows;
    const binOf = bins.of;
    let found = 0;
    for (let row = 0; row < length; row += 1) {
      const c = combination[row];
      if (keeps[c] === 0) continue;
      const n = each[row];
      const at = bucket[row];
      const bin = binOf[at];
      if (trace[c] >= 0 && bin >= 0) overTime[trace[c]][bin] += n;
      if (inTime[at] === 0) continue;
      requests[c] += n;
      if (at < first[c]) first[c] = at;
      if (at > last[c]) last[c] = at;
      if (row >= firstTimed && connection[c] === 0) {
        const ms = latency[row];
        timed[c] += n;
        totalMs[c] += n * ms;
        maxMs[c] = ms;
        latent.combination[found] = c;
        latent.bin[found] = bin + 1; // 0 for rows without a time
        latent.ms[found] = ms;
        latent.requests[found] = n;
        found += 1;
      }
    }
    latent.length = found;
    const shown = Uint8Array.from(noise, (isNoise) => (isNoise && apart ? 0 : 1));
    return { requests, timed, totalMs, maxMs, first, last, overTime, shown, latent };
  };

  envoylogs.counts = { decode, binsOf, select, keyOf, classOfCode };
})((window.envoylogs ??= {}));
