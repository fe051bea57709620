// Parts of the page that are drawn anew with each filter: those in sight at once, the others when
// filters are at rest or when they come into sight. Nobody waits for what he doesn't see.
(function (envoylogs) {
  "use strict";

  const REST_MS = 400;

  const parts = new Map();
  const inSight = new Set();
  const stale = new Set();
  let later = 0;

  const drawOne = (place) => {
    stale.delete(place);
    parts.get(place)();
  };

  // One at a time, so that a filter never waits for all of them.
  const drawStale = () => {
    const [place] = stale;
    if (place === undefined) return;
    drawOne(place);
    later = setTimeout(drawStale);
  };

  const draw = (places, all) => {
    for (const place of places) stale.add(place);
    for (const place of [...stale]) if (all || inSight.has(place)) drawOne(place);
    clearTimeout(later);
    if (stale.size) later = setTimeout(drawStale, REST_MS);
  };

  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) inSight.delete(target);
      else {
        inSight.add(target);
        if (stale.has(target)) drawOne(target);
      }
    }
  }, { rootMargin: "80px" });

  const add = (place, drawn) => {
    parts.set(place, drawn);
    observer.observe(place);
    // The observer tells later than the first drawing.
    if (place.getBoundingClientRect().top < innerHeight) inSight.add(place);
  };

  // `all` draws what is out of sight too, before anything else happens.
  const redraw = (all = false) => draw(parts.keys(), all);

  envoylogs.pending = { add, redraw };
})((window.envoylogs ??= {}));
