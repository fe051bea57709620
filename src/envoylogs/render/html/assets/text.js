// Numbers, times and text as people read them: the same words as `render/formatting.py` prints.
(function (envoylogs) {
  "use strict";

  const MISSING = "-";
  // A map, not an object, which would know a host named "constructor".
  const FOLDED_WORDS = new Map([["\u0000:folded+", "(other known ones)"], ["\u0000:folded", "(all others)"]]);
  const isFolded = (value) => FOLDED_WORDS.has(value);
  const SHORT_ESCAPES = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };
  // What Python calls not printable: controls, marks of direction, invisible formats, odd spaces.
  const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/gu;

  const escaped = (character) => {
    if (character === " ") return character;
    const code = character.codePointAt(0);
    const hex = code.toString(16);
    return SHORT_ESCAPES[character]
      ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}`
        : code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`);
  };

  // Whoever sends a request writes host and path: nothing in them may reorder or hide text.
  const printable = (value) => {
    if (value === null || value === undefined) return MISSING;
    const text = String(value);
    if (text && !text.trim()) return text.replaceAll(" ", "\\x20").replace(UNPRINTABLE, escaped);
    return FOLDED_WORDS.get(value) ?? text.replace(UNPRINTABLE, escaped);
  };

  // Plotly reads tags, links and entities in every label.
  const plotlyText = (value) =>
    printable(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const count = (number) => (number === null || number === undefined ? MISSING : grouped.format(number));
  const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

  // Python rounds exact ties to even, toFixed upwards; 12.25 % must read the same in both.
  const fixed = (number, digits) => {
    const halves = number * 2 ** (digits + 1);
    const down = Math.floor(number * 10 ** digits);
    if (Number.isInteger(halves) && Math.abs(halves % 2) === 1 && down % 2 === 0) {
      return (down / 10 ** digits).toFixed(digits);
    }
    return number.toFixed(digits);
  };

  const milliseconds = (number) =>
    number === null || number === undefined ? MISSING : grouped.format(Number(fixed(number, 0)));

  const percent = (share) => {
    if (share === null || share === undefined || Number.isNaN(share)) return MISSING;
    if (share === 0 || share === 1) return `${share * 100} %`;
    const shown = share * 100;
    if (shown < 0.01) return "<0.01 %";
    if (shown > 99.99) return ">99.99 %";
    return `${fixed(shown, shown >= 9.995 && shown < 99.95 ? 1 : 2)} %`;
  };

  const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.?0*Z$/, "Z");
  const dayAndClock = (seconds) =>
    seconds === null || seconds === undefined
      ? MISSING : new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
  const clock = (seconds) => dayAndClock(seconds).slice(-8);

  // Attributes go through properties: the page's policy forbids `style` and `on…` in markup.
  const element = (tag, properties = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null) continue;
      if (name in made && !name.startsWith("aria")) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  // A word in passing, which screen readers read out.
  let passing = 0;
  const say = (words) => {
    const status = document.querySelector("#status");
    status.textContent = words;
    clearTimeout(passing);
    passing = setTimeout(() => { status.textContent = ""; }, 1500 + 60 * words.length);
  };

  envoylogs.text = {
    MISSING, isFolded, printable, plotlyText, count, counted, milliseconds, percent, iso, clock, dayAndClock, element, say,
  };
})((window.envoylogs ??= {}));
