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
    const placeOfActor = (actor) => Math.max(0, actors.indexOf(actor));
    const actorOfOutcome = outcomes.map((outcome) => placeOfActor(outcome.actor));
    // The way to fail says more than the outcome: a direct response may be an error.
    const failures = dimensions.failure.map((name) => meta.failures[name] ?? null);
    const actorOf = (outcome, failure) =>
      failures[failure] ? placeOfActor(failures[failure].actor) : actorOfOutcome[outcome];
    return {
      dimensions, combinations, places, meta, rows: rowsOf(rows), length: lists.host.length,
      unrouted: ofOutcome((outcome) => outcome.unrouted),
      byGateway: ofOutcome((outcome) => outcome.by_gateway),
      notSent: ofOutcome((outcome) => outcome.not_sent),
      failedConnection: ofOutcome((outcome) => outcome.failed_connection),
      actor: Uint8Array.from(combinations.outcome, (outcome, c) => actorOf(outcome, combinations.failure[c])),
    };
  };

  // A share of few requests says little, so splits have fewer bins than other figures.
  const MOST_OF_SPLITS = 30;

  // Figures have bins of time as narrow as `most` of them let be; past the widest width of buckets
  // it is doubled. -1 for records without a time and for those of other times.
  const binsOf = (meta, low, high, most) => {
    const within = (start) => start !== null && start >= low && start <= high;
    const timed = meta.starts.filter(within);
    if (!timed.length) return { starts: [], width_s: meta.width_s, of: new Int32Array(meta.starts.length).fill(-1) };
    const place = (start, width) => Math.floor(start / width);
    const fits = (width) => place(timed.at(-1), width) - place(timed[0], width) < most;
    let width = meta.width_s;
    while (!fits(width)) width = meta.widths_s.find((wider) => wider > width) ?? 2 * width;
    const first = place(timed[0], width);
    return {
      width_s: width,
      starts: Array.from({ length: place(timed.at(-1), width) - first + 1 }, (_, bin) => (first + bin) * width),
      of: Int32Array.from(meta.starts, (start) => (within(start) ? place(start, width) - first : -1)),
    };
  };

  // The chart over time keeps the window of the log, so that a brush can be moved and widened; the
  // figures below it show what was chosen. Strays are in neither until somebody asks for their time.
  const binsFor = (counts, { from, to }) => {
    const { meta } = counts;
    const [first, last] = meta.shown ? [meta.shown.first / 1e6, meta.shown.last / 1e6] : [0, -1];
    const made = counts.binsMade ??= new Map();
    const bins = (low, high, most = meta.most_bins) => {
      const key = `${low} ${high} ${most}`;
      if (made.size > 20) made.clear(); // each drag over the chart makes some
      if (!made.has(key)) made.set(key, binsOf(meta, low, high, most));
      return made.get(key);
    };
    // A time past all but strays reaches as far as they do.
    const low = from ?? (to !== null && to <= first ? -Infinity : first);
    const high = to !== null ? to - 1 : from !== null && from > last ? Infinity : last;
    return {
      all: bins(Math.min(first, low), Math.max(last, high)), chosen: bins(low, high),
      splits: bins(low, high, MOST_OF_SPLITS),
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

  const KINDS = ["requests", "failed connections", "other connections"];

  // One pass over all rows: what each combination sums up to, and which rows have a latency.
  const select = (counts, view, { all, chosen }) => {
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
    // By kind (requests, failed connections, others): by who must act, then noise; and what is not
    // drawn, whatever time was chosen: noise that is apart, strays, records without a time.
    const traces = meta.actors.length + 1;
    const overTime = KINDS.map(() => ({
      series: Array.from({ length: traces }, () => new Float64Array(all.starts.length)),
      noise: 0, strays: 0, untimed: 0,
    }));
    const kinds = Array.from(connection, (is, c) => overTime[is ? (counts.failedConnection[c] ? 1 : 2) : 0]);
    const trace = Uint8Array.from(actor, (of, c) => (noise[c] ? traces - 1 : of));
    const untimed = meta.starts.at(-1) === null ? meta.starts.length - 1 : -1;
    counts.room ??= roomFor(rows.length);
    const latent = counts.room;
    const { combination, bucket, latency, requests: each, firstTimed, length } = rows;
    const [binOf, chosenBinOf] = [all.of, chosen.of];
    let found = 0;
    for (let row = 0; row < length; row += 1) {
      const c = combination[row];
      if (keeps[c] === 0) continue;
      const n = each[row];
      const at = bucket[row];
      const bin = binOf[at];
      if (noise[c] === 1 && apart) kinds[c].noise += n;
      else if (bin >= 0) kinds[c].series[trace[c]][bin] += n;
      else if (at === untimed) kinds[c].untimed += n;
      else kinds[c].strays += n;
      if (inTime[at] === 0) continue;
      requests[c] += n;
      if (at !== untimed) {
        if (at < first[c]) first[c] = at;
        if (at > last[c]) last[c] = at;
      }
      if (row >= firstTimed && connection[c] === 0) {
        const ms = latency[row];
        timed[c] += n;
        totalMs[c] += n * ms;
        maxMs[c] = ms;
        latent.combination[found] = c;
        latent.bin[found] = chosenBinOf[at] + 1; // 0 for rows without a bin
        latent.ms[found] = ms;
        latent.requests[found] = n;
        found += 1;
      }
    }
    latent.length = found;
    const shown = Uint8Array.from(noise, (isNoise) => (isNoise && apart ? 0 : 1));
    return { requests, timed, totalMs, maxMs, first, last, overTime, shown, latent, keeps, inTime };
  };

  envoylogs.counts = { decode, binsFor, select, keyOf, classOfCode };
})((window.envoylogs ??= {}));
