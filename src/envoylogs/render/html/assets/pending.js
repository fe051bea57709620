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

  const redraw = () => {
    for (const place of parts.keys()) {
      stale.add(place);
      if (inSight.has(place)) drawOne(place);
    }
    clearTimeout(later);
    if (stale.size) later = setTimeout(drawStale, REST_MS);
  };

  // For paper, and for whoever waits until all is there.
  const finish = () => {
    clearTimeout(later);
    [...stale].forEach(drawOne);
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
    stale.add(place);
    observer.observe(place);
    // The observer tells later than the first drawing.
    if (place.getBoundingClientRect().top < innerHeight) inSight.add(place);
  };

  envoylogs.pending = { add, redraw, finish };
})((window.envoylogs ??= {}));
