// The figures of splits over time, one a route, as many as can be looked at.
(function (envoylogs) {
  "use strict";

  const { plotlyText, printable, count, counted, percent, element } = envoylogs.text;

  const MOST = 6;

  let meta = null;

  const colorOf = (place) =>
    (meta.split.colors[place] ?? meta.split.rest)[envoylogs.contents.isDark() ? "dark" : "light"];

  const nameOf = ({ place, names }) => (place < meta.split.colors.length
    ? envoylogs.contents.shownValue("upstream_cluster", names[0])
    : counted(names.length, "other cluster"));

  const traceOf = (cluster, { totals }, { starts, width_s }) => {
    const share = (n, bin) => n / totals[bin];
    const requests = Array.from(cluster.requests, (n, bin) => (totals[bin] ? n : null));
    const name = plotlyText(nameOf(cluster));
    return {
      ...structuredClone(meta.split.bar), name,
      x: starts.map(envoylogs.figures.timeOf), width: width_s * 1000,
      y: requests.map((n, bin) => (n === null ? null : share(n, bin))),
      customdata: requests.map((n, bin) => (n === null ? "" : `${name}<br>${percent(share(n, bin))}, ${counted(n, "request")}`)),
      marker: { ...meta.split.bar.marker, color: colorOf(cluster.place) },
    };
  };

  const legendOf = ({ clusters }) => clusters.map((cluster) => {
    const mark = element("span", { className: "swatch", "aria-hidden": "true" });
    mark.style.background = colorOf(cluster.place);
    return element("li", {}, mark, element("span", { className: "name", textContent: nameOf(cluster) }));
  });

  // A place for each figure is made once and filled again, which is what Plotly does quickly.
  const placeFor = (list, number) => {
    if (!list.children[number]) {
      list.append(element("li", {},
        element("h3", {}), element("ul", { className: "legend" }),
        element("div", { className: "figure small" })));
    }
    return list.children[number];
  };

  const draw = (section, { results }) => {
    const all = results.splits_over_time;
    const shown = all.slice(0, MOST);
    const list = section.querySelector("ul");
    const bins = results.bins.splits;
    section.querySelector(".nothing").hidden = shown.length > 0;
    section.querySelector(".left-out").textContent = all.length > MOST
      ? `The ${count(MOST)} routes with most requests of ${count(all.length)}; filter by a route to see another one.` : "";
    while (list.children.length > shown.length) {
      window.Plotly.purge(list.lastChild.querySelector(".figure"));
      list.lastChild.remove();
    }
    list.classList.toggle("one", shown.length === 1);
    shown.forEach((split, number) => {
      const place = placeFor(list, number);
      const title = `${printable(split.host)}, route ${printable(split.route_name)}`;
      place.querySelector("h3").textContent = title;
      place.querySelector(".legend").replaceChildren(...legendOf(split));
      place.querySelector(".legend").setAttribute("aria-label", `Colors of ${title}`);
      const figure = place.querySelector(".figure");
      figure.setAttribute("role", "img");
      figure.setAttribute("aria-label", `Share of each cluster of ${title} over time. The table has the numbers.`);
      const layout = envoylogs.figures.layoutOf("split", envoylogs.figures.edgesOf(bins), {
        barmode: "stack", bargap: 0, dragmode: false, showlegend: false,
      }, figure, shown.length === 1 ? 1000 : 490);
      window.Plotly.react(figure, split.clusters.map((cluster) => traceOf(cluster, split, bins)),
        { ...layout, yaxis: { ...layout.yaxis, title: undefined } }, envoylogs.figures.SETTINGS);
    });
  };

  // `latest` says what is to be drawn.
  const start = (given, latest) => {
    meta = given;
    const section = document.querySelector("#shares");
    if (!section.hidden) envoylogs.pending.add(section, () => draw(section, latest()));
  };

  envoylogs.splitFigures = { start };
})((window.envoylogs ??= {}));
