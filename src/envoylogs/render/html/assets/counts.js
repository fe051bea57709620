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
    combinations.code_class = Uint32Array.from(combinations.response_code, (code) => place[code]);
  };

  const decode = async (base64, meta) => {
    const { dimensions, combinations: lists, rows, starts, examples } = await parsed(base64);
    // These are long, so they come packed with the counts.
    Object.assign(meta, { starts, examples });
    const combinations = {};
    for (const [name, list] of Object.entries(lists)) {
      combinations[name] = name in dimensions ? Uint32Array.from(list) : Int8Array.from(list);
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

  // One pass over all rows: what each combination sums up to, and which rows have a latency.
  const select = (counts, view) => {
    const { rows, meta } = counts;
    const { connection, noise } = counts.combinations;
    const keeps = combinationsKept(counts, view.filters);
    const inTime = bucketsKept(meta.starts, view.from, view.to);
    const buckets = meta.starts.length;
    const apart = view.noise !== "shown";
    const requests = new Float64Array(counts.length);
    const timed = new Float64Array(counts.length);
    const totalMs = new Float64Array(counts.length);
    const first = new Int32Array(counts.length).fill(buckets);
    const last = new Int32Array(counts.length).fill(-1);
    // The chart over time keeps its whole window, so that a brush can be moved and widened.
    const overTime = [...meta.actors, "noise"].map(() => new Float64Array(buckets));
    const noiseTrace = meta.actors.length;
    const latent = new Uint32Array(rows.length);
    let found = 0;
    for (let row = 0; row < rows.length; row += 1) {
      const c = rows.combination[row];
      if (!keeps[c]) continue;
      const n = rows.requests[row];
      const bucket = rows.bucket[row];
      if (!connection[c] && !(noise[c] && apart)) {
        overTime[noise[c] ? noiseTrace : counts.actor[c]][bucket] += n;
      }
      if (!inTime[bucket]) continue;
      requests[c] += n;
      if (bucket < first[c]) first[c] = bucket;
      if (bucket > last[c]) last[c] = bucket;
      if (row >= rows.firstTimed && !connection[c]) {
        timed[c] += n;
        totalMs[c] += n * rows.latency[row];
        latent[found] = row;
        found += 1;
      }
    }
    const everyLatent = latent.subarray(0, found);
    const shown = Uint8Array.from(noise, (isNoise) => (isNoise && apart ? 0 : 1));
    return {
      requests, timed, totalMs, first, last, overTime, shown, inTime, everyLatent,
      latent: apart ? everyLatent.filter((row) => !noise[rows.combination[row]]) : everyLatent,
    };
  };

  envoylogs.counts = { decode, select, keyOf, classOfCode };
})((window.envoylogs ??= {}));
