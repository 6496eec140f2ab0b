"use strict";
// The panel above the overview: pick a city, an indicator and a definition, and read the finding. Texts reach the page as text.
(() => {
  const data = JSON.parse(document.getElementById("auswahl-daten").textContent);
  const overview = document.querySelector("#uebersicht > h2");
  const { labels } = data;
  const SVG = document.querySelector("svg").namespaceURI;

  const filled = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
  const draw = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

  const rowsOf = (city, indicator) =>
    data.cells[city][indicator].map((row) => Object.fromEntries(data.columns.map((name, place) => [name, row[place]])));
  const shape = (state) =>
    draw("svg", { class: `m m-${state}`, "aria-hidden": "true", focusable: "false" }, draw("use", { href: `#m-${state}` }));

  // the drawing of the cities' tables: zero in the middle, the band of the step, better on the right
  const intervals = (bars, limit, step, ends, title, description) => {
    const width = 300, pad = 8, gap = 13, half = width / 2;
    const foot = 4 + gap * bars.length, height = foot + 14;
    const at = (value) => half + Math.max(-1, Math.min(1, value / limit)) * (half - pad);
    const text = (x, anchor, label) => draw("text", { x, y: height - 2, "text-anchor": anchor }, label);
    const parts = [draw("title", {}, title), draw("desc", {}, description)];
    if (step > 0) {
      const left = at(-step), right = at(step);
      parts.push(draw("rect", { class: "band", x: left.toFixed(1), y: 2, width: (right - left).toFixed(1), height: foot - 2 }));
    }
    parts.push(draw("path", { class: "axis", d: `M${pad} ${foot}H${width - pad}` }));
    parts.push(draw("path", { class: "zero", d: `M${half.toFixed(1)} 2V${foot + 3}` }));
    bars.forEach(({ bar: [mean, lower, upper], kind }, row) => {
      const y = 2 + gap * (row + 0.5), left = at(lower), right = at(upper);
      let arrow = "";
      if (lower < -limit) arrow += `M${(left + 4).toFixed(1)} ${(y - 3).toFixed(1)}L${left.toFixed(1)} ${y.toFixed(1)}l4 3`;
      if (upper > limit) arrow += `M${(right - 4).toFixed(1)} ${(y - 3).toFixed(1)}L${right.toFixed(1)} ${y.toFixed(1)}l-4 3`;
      parts.push(draw("path", { class: kind, d: `M${left.toFixed(1)} ${y.toFixed(1)}H${right.toFixed(1)}${arrow}` }));
      parts.push(draw("circle", { class: kind, cx: at(mean).toFixed(1), cy: y.toFixed(1), r: 3 }));
    });
    parts.push(text(pad - 6, "start", ends[0]), text(half, "middle", ends[1]), text(width - pad + 6, "end", ends[2]));
    return draw("svg", { class: "iv", viewBox: `0 0 ${width} ${height}`, role: "img" }, ...parts);
  };

  const measured = ([value, interval, word]) => [`${value} [${interval}]`, data.texts[word]].filter(Boolean).join(", ");

  // a letter per choice: the ring's own first, then every alternative of every axis
  const unpacked = (packed) =>
    [...packed.matchAll(/([a-z.-])(\d*)/g)].flatMap(([, letter, count]) => Array(Number(count || 1)).fill(letter));

  // what the ring's own choices lead to comes first; of the others only those are named that lead elsewhere
  const waysOf = (packed) => {
    const [first, ...letters] = unpacked(packed);
    const lines = new Map([...new Set([first, ...Object.keys(data.letters), "-"])].map((letter) => [letter, []]));
    let place = 0;
    for (const [axis, sort, names] of data.choices) {
      const found = letters.slice(place, place += names.length);
      for (const [letter, line] of lines) {
        const here = names.filter((_, each) => found[each] === letter);
        const all = names.length > 1 && here.length === names.length;
        if (here.length) line.push(`${axis}${sort && ` (${sort})`}: ${all ? labels.every : here.join(", ")}`);
      }
    }
    const elsewhere = [...lines].some(([letter, line]) => letter !== first && line.length);
    const others = lines.get(first).length ? [elsewhere ? labels.rest : labels.all] : [];
    if (first !== ".") lines.set(first, [labels.own, ...others]);
    return [...lines].filter(([letter, line]) => letter !== "." && line.length).map(([letter, line]) => {
      const [state, word] = letter === "-" ? ["", labels.lost] : data.states[data.letters[letter]];
      const head = [...(state ? [shape(state)] : []), make("strong", {}, word)];
      return make("li", { class: `c-${state || "missing"}` }, ...head, " ", make("span", {}, line.join("; ")));
    });
  };

  // controls
  const panel = make("section", { class: "choose", "aria-labelledby": "auswahl-titel" });
  const controls = make("div", { class: "by" });
  const chooser = (name) => {
    const select = make("select", { id: `auswahl-${name}` });
    controls.append(make("div", {}, make("label", { for: select.id }, labels[name]), select));
    return select;
  };
  const fill = (select, options, wanted) => {
    select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    if (options.some(([value]) => String(value) === wanted)) select.value = wanted;
  };
  const city = chooser("city"), field = chooser("field"), indicator = chooser("indicator"), definition = chooser("definition");
  const finding = make("div", { "aria-live": "polite" }), beside = make("div");
  const shown = make("div", { class: "shown" }, finding, beside);
  const link = make("a");

  const offerIndicators = () => {
    const all = data.indicators.map((one, place) => [place, one.name]);
    fill(indicator, all.filter(([place]) => !field.value || data.indicators[place].field === field.value), indicator.value);
  };
  const offerDefinitions = () => {
    const names = data.indicators[indicator.value].definitions;
    const rows = rowsOf(city.value, indicator.value);
    const name = (place) => (place ? names[place] : `${names[0]} (${labels.main})`);
    fill(definition, rows.map((row) => [row.definition, name(row.definition)]), definition.value);
  };

  const tell = () => {
    const one = data.indicators[indicator.value], rows = rowsOf(city.value, indicator.value);
    const row = rows.find((each) => String(each.definition) === definition.value);
    const [state, , meaning] = data.states[row.state];
    const [anchor, name] = data.cities[city.value];
    const fact = (label, value) => make("div", {}, make("dt", {}, label), make("dd", {}, value));
    const values = ["relative", "change", "standing"].filter((each) => row[each].length);
    const facts = values.map((each) => fact(labels[each], measured(row[each])));
    if (row.level) facts.push(fact(labels.level, row.level));
    if (values.length) facts.push(fact(labels.unit, one.unit));
    if (row.definition) facts.push(fact(labels.in_report, data.texts[rows[0].word]));
    const [doubt, caveat] = [data.texts[row.doubt], data.texts[row.caveat]];
    const notes = row.notes.length ? row.notes.map((place) => data.texts[place]) : [`${labels.means}: ${meaning}.`];
    finding.replaceChildren(
      make("p", { class: "picked" }, `${name}: ${one.name}`, make("span", { class: "small" }, one.definitions[row.definition])),
      make("p", { class: `what c-${state}` }, shape(state), make("strong", {}, data.texts[row.word]),
        ...(doubt ? [" ", make("span", {}, doubt)] : []), ...(caveat ? [make("span", { class: "small" }, caveat)] : [])),
      make("p", { class: "note" }, notes.join(" ")),
      make("dl", { class: "facts" }, ...facts),
    );
    shown.className = `shown f-${state}`;

    const before = row.definition && rows[0].bar.length ? [{ bar: rows[0].bar, kind: "before" }] : [];
    const own = row.own_bar.length ? [{ bar: row.own_bar, kind: "abs" }] : [];
    const bars = row.bar.length ? [...before, ...own, { bar: row.bar, kind: "rel" }] : own;
    const described = values.map((each) => `${labels[each]}: ${measured(row[each])}`).join("; ");
    const title = `${name}, ${one.name}, ${one.definitions[row.definition]}`;
    beside.replaceChildren();
    if (bars.length) {
      beside.append(intervals(bars, one.axis, one.steps[row.definition], one.ends, title, described));
      beside.append(make("p", { class: "note" }, row.definition ? labels.key_other : labels.key_main));
    }
    if (row.otherwise) {
      beside.append(make("h4", {}, labels.otherwise), make("p", { class: "note" }, labels.otherwise_lead),
        make("ul", { class: "ways" }, ...waysOf(row.otherwise)));
    }
    link.setAttribute("href", `#${anchor}`);
    link.textContent = `${labels.link}: ${name}`;
  };

  fill(city, data.cities.map(([, name], place) => [place, name]));
  fill(field, [["", labels.all_fields], ...[...new Set(data.indicators.map((one) => one.field))].map((name) => [name, name])]);
  const begin = () => {
    definition.replaceChildren(); // another indicator begins with its main definition
    offerDefinitions();
    tell();
  };
  city.addEventListener("change", () => { offerDefinitions(); tell(); });
  field.addEventListener("change", () => { offerIndicators(); begin(); });
  indicator.addEventListener("change", begin);
  definition.addEventListener("change", tell);
  offerIndicators();
  const meant = data.indicators.findIndex((_, place) => rowsOf(city.value, place).some((row) => data.states[row.state][0] !== "context"));
  indicator.value = String(Math.max(meant, 0)); // an indicator that may carry a finding
  begin();
  panel.append(make("h3", { id: "auswahl-titel" }, labels.heading), make("p", {}, labels.lead), controls, shown, make("p", {}, link));
  overview.after(panel);
})();
