// The current view as Markdown, to paste into a ticket or a chat.
(function (envoylogs) {
  "use strict";

  const { printable, count, counted, percent, milliseconds, element, say } = envoylogs.text;

  const plain = (text) => printable(text).replace(/[\\`*_{}[\]<>|#~&!]/g, "\\$&");

  // In a code span hosts make no links and call nobody; the fence is longer than any run inside.
  const code = (text) => {
    const shown = printable(text);
    const longest = Math.max(0, ...(shown.match(/`+/g) ?? []).map((run) => run.length));
    const fence = "`".repeat(longest + 1);
    const space = longest ? " " : "";
    return fence + space + shown + space + fence;
  };

  // Only in a table does a bar end a code span.
  const cell = (text) => code(text).replaceAll("|", "\\|");

  const totalsInWords = ({ requests, connections, errors, error_share, unrouted, noise, noise_connections, latency_ms: of }, meta) => {
    const words = [
      counted(requests, "request"), counted(connections, "connection"),
      `${counted(errors, "error")} (${percent(error_share)})`, `${count(unrouted)} unrouted`, `${count(noise)} noise`,
    ];
    if (noise_connections) words.push(`${counted(noise_connections, "connection")} of noise`);
    if (of.count) {
      words.push(`latency p50 ${milliseconds(of.p50)}, p90 ${milliseconds(of.p90)}, p95 ${milliseconds(of.p95)}, `
        + `p99 ${milliseconds(of.p99)}, max ${milliseconds(of.max)} ms${meta.near && `, ${meta.near}`}`);
    }
    return words.join(", ");
  };

  const hostsTable = (rows) => [
    "| host | requests | share | unrouted | errors | p50 ms | p99 ms |",
    "|---|---:|---:|---:|---:|---:|---:|",
    ...rows.slice(0, 10).map((row) => `| ${[
      cell(row.host), count(row.requests), percent(row.share), count(row.unrouted), count(row.errors),
      milliseconds(row.latency_ms.p50), milliseconds(row.latency_ms.p99),
    ].join(" | ")} |`),
    ...(rows.length > 10 ? ["", `10 of ${count(rows.length)} hosts.`] : []),
  ].join("\n");

  const finding = ({ title, severity_words: severity, who, facts, next }, place) => [
    `${place + 1}. **${severity}** ${plain(title)}`,
    `   Must act: ${[plain(who), ...facts.map(plain)].join("; ")}.`,
    ...(next.length ? [`   Next: ${next.map(([text, isCommand]) => (isCommand ? code : plain)(text)).join("")}`] : []),
  ].join("\n");

  const markdownOf = (meta, view, results) => {
    const facts = [...document.querySelectorAll("#facts li")].map((fact) => plain(fact.textContent.trim()));
    const said = envoylogs.filters.inWords(view).map(({ words, all }) => code(all ? `${words.split(":")[0]}: ${all.replaceAll("\n", ", ")}` : words));
    return [
      `**Gateway log**: ${facts.join(", ")}`,
      ...meta.findings.map(finding),
      `Selected: ${said.length ? said.join(", ") : "everything"}`,
      totalsInWords(results.totals, meta),
      hostsTable(results.tables.host),
      ...[...document.querySelectorAll("footer .note")].map((note) => plain(note.textContent)),
    ].join("\n\n") + "\n";
  };

  // Browsers give no clipboard to some local files; the text is then there to be copied by hand.
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = element("textarea", { value: text, className: "unseen", "aria-hidden": "true" });
      document.body.append(area);
      area.select();
      let done = false;
      try { done = document.execCommand("copy"); } catch { done = false; }
      area.remove();
      return done;
    }
  };

  const copy = async (text, what) => {
    if (await copied(text)) {
      say(`${what} copied`);
      return;
    }
    const dialog = document.querySelector("#by-hand");
    dialog.querySelector("textarea").value = text;
    dialog.showModal();
    dialog.querySelector("textarea").select();
  };

  envoylogs.markdown = { markdownOf, copy };
})((window.envoylogs ??= {}));
