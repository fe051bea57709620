// Times as people and links write them: always UTC unless they say otherwise.
(function (envoylogs) {
  "use strict";

  const DAY_S = 86_400;
  const WRITTEN = /^(?:(\d{4}-\d{2}-\d{2})(?:[T ]+|$))?(?:(\d{1,2}:\d{2})(:\d{2}(?:\.\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

  const dayOf = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

  // "2026-11-01 12:40", RFC 3339 with its offset, a day, or a time of day of `day`; null for none.
  const readTime = (text, day = null) => {
    const parts = WRITTEN.exec(text.trim());
    if (!parts || !(parts[1] || parts[2])) return null;
    const [, written = day, minute = "00:00", second = ":00", zone = "Z"] = parts;
    if (!written) return null;
    const midnight = Date.parse(`${written}T00:00:00Z`) / 1000;
    // Browsers take the 30th of February for the 2nd of March.
    if (!Number.isFinite(midnight) || dayOf(midnight) !== written) return null;
    const offset = zone.toUpperCase() === "UTC" ? "Z" : zone.toUpperCase().replace(/^([+-]\d{2}):?(\d{2})$/, "$1:$2");
    const seconds = Date.parse(`${written}T${minute.padStart(5, "0")}${second}${offset}`) / 1000;
    return Number.isFinite(seconds) && Math.abs(seconds - midnight) <= 2 * DAY_S ? seconds : null;
  };

  envoylogs.times = { readTime, dayOf };
})((window.envoylogs ??= {}));
