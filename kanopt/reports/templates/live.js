// Lets a reader move prices, load and hour of a page, and look closer at its charts.
//
// It stands alone: it loads nothing, evaluates no text, and writes whatever comes from data as text. The page hands it
// `laws`, the functions of its laws as `Formula.to_javascript` writes them, and JSON in #live-data. Without it the page
// reads as before, since all controls are made here.

// ---- a plan priced again, as it stands: the same stops, lanes or tasks in the same order

const exceeds = (value, limit) =>
  value > limit + 1e-6 * Math.min(1, Math.max(Math.abs(limit), 1e-3)) + 1e-9 * Math.abs(limit);

// Functions that give the inputs of a law on leg i, one for each input.
function readersOf(inputs, columns, kindOf, factor) {
  return Object.entries(inputs).map(([name, source]) => {
    const times = source.lever === undefined ? 1 : factor(source.lever);
    if (source.value !== undefined) {
      const value = typeof source.value === "number" ? source.value * times : source.value;
      return [name, () => value];
    }
    if (source.kinds) {
      const values = source.kinds.map((value) => (typeof value === "number" ? value * times : value));
      return [name, (leg) => values[kindOf[leg]]];
    }
    const column = columns[source.column];
    if (!source.scale) return [name, (leg) => column[leg]];
    const [slope, offset] = source.scale;
    if (!source.turn) return [name, (leg) => column[leg] * slope + offset];
    const [per, day] = source.turn;
    return [name, (leg) => {
      const turned = (column[leg] * per) % day;
      return (turned < 0 ? turned + day : turned) * slope + offset;
    }];
  });
}

// A law at one place; NaN where its tables have no entry, as of two categories that no row had together.
function lawAt(law, row) {
  try {
    return law(row);
  } catch (error) {
    if (error instanceof RangeError) return NaN;
    throw error;
  }
}

// The values of a law on legs, in the unit of the plan, times what each is paid for.
function valueOf(use, laws, columns, kindOf, factor) {
  const readers = readersOf(use.inputs, columns, kindOf, factor);
  const law = laws[use.law];
  const row = {};
  return (leg) => {
    for (const [name, read] of readers) row[name] = read(leg);
    const value = law(row);
    return (use.cut ? Math.max(value, 0) : value) * use.factor * (use.rise?.[leg] ?? 1);
  };
}

// When service begins for those who are there: at once, when a window opens, or too late.
function beginOf(chain, leg, there) {
  let begin = Infinity;
  for (const [place, opens] of chain.opens.entries()) {
    const from = opens?.[leg] ?? -Infinity;
    const until = chain.opens.length === 1 ? Infinity : chain.closes[place]?.[leg] ?? Infinity;
    if (there <= until + 1e-7) begin = Math.min(begin, Math.max(there, from));
  }
  return Number.isFinite(begin) ? begin : there;
}

// What is on board, and when each leg begins and each route ends, with moved loads and departures.
function driven(plan, laws, kindOf, settings) {
  const load = settings.load ?? 1;
  const shift = settings.departures ?? 0;
  const columns = { ...plan.columns, load: plan.columns.load.map((amount) => amount * load) };
  const { chain, routes } = plan;
  const reads = chain?.duration && Object.values(chain.duration.inputs).some(({ column }) => column === "load");
  const [late, soft] = [[], new Set(chain?.soft)];
  if (!chain || (shift === 0 && (load === 1 || !reads))) return { columns, finish: routes.finish, departure: routes.departure };
  const moved = { ...columns, leave: [], duration: [], late: [] };
  const lasts = chain.duration && valueOf(chain.duration, laws, moved, kindOf, () => 1);
  const departure = routes.departure.map((clock) => clock + shift);
  const finish = departure.map((start, route) => {
    let clock = start;
    for (let leg = routes.first[route]; leg < routes.first[route + 1]; leg++) {
      moved.leave[leg] = clock;
      moved.duration[leg] = lasts ? lasts(leg) : columns.duration[leg];
      const there = Math.max(clock + moved.duration[leg], chain.ready?.[leg] ?? -Infinity);
      const begin = beginOf(chain, leg, there);
      moved.late[leg] = Math.max(begin - (chain.closes.at(-1)?.[leg] ?? Infinity), 0);
      if (moved.late[leg] > 0 && !soft.has(leg)) late.push(leg);
      clock = begin + chain.stay[leg];
    }
    return clock;
  });
  return { columns: moved, finish, departure, late };
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

// At how many places a law is used: at the legs of routes, or at flows.
const countOf = (plan, use) => use.rise?.length ?? plan.columns.load.length;
const upTo = (count) => Array.from({ length: count }, (_, place) => place);

function kindsOf({ routes }) {
  const kinds = [];
  if (!routes) return kinds;
  for (const [route, kind] of routes.kind.entries()) {
    for (let leg = routes.first[route]; leg < routes.first[route + 1]; leg++) kinds[leg] = kind;
  }
  return kinds;
}

// What a term of rates is paid for: the lateness of legs, length and time of routes, or the route itself.
function amountsOf(term, plan, state) {
  if (!plan.routes) return [1];
  const spent = state.finish.map((end, route) => end - state.departure[route]);
  if (term === "distance") return plan.routes.length;
  if (term === "lateness") return state.columns.late;
  if (term === "time") return spent;
  if (term === "overtime") return spent.map((time, route) => Math.max(time - (plan.routes.regular[route] ?? Infinity), 0));
  if (term === "longest route") return [Math.max(...spent)];
  return plan.routes.kind.map(() => 1);
}

// The price of a plan by term, and where it is then not allowed or not known.
function priceOf(plan, laws, settings) {
  const factor = (key) => settings[key] ?? 1;
  const kinds = kindsOf(plan);
  const state = plan.routes ? driven(plan, laws, kinds, settings) : { columns: plan.columns };
  // without a prototype, so that a term may be called __proto__ as any other
  const terms = Object.assign(Object.create(null), plan.constants);
  for (const use of plan.uses) {
    const value = valueOf(use, laws, state.columns, kinds, factor);
    terms[use.term] = factor(use.lever) * sum(upTo(countOf(plan, use)).map(value));
  }
  for (const { term, rates, lever } of plan.rates) {
    const amounts = amountsOf(term, plan, state);
    terms[term] = factor(lever) * sum(rates.map((rate, place) => (rate === 0 ? 0 : rate * amounts[place])));
  }
  return { terms, total: sum(Object.values(terms)), state, doubts: doubtsOf(plan, state, kinds, factor) };
}

// What is to be known before such a price is believed, in sentences.
function doubtsOf(plan, state, kinds, factor) {
  const doubts = plan.routes ? brokenOnRoutes(plan.routes, state) : [];
  for (const use of plan.uses) {
    const readers = readersOf(use.inputs, state.columns, kinds, factor).filter(([name]) => Object.hasOwn(use.ranges, name));
    const outside = upTo(countOf(plan, use)).filter((leg) => readers.some(([name, read]) => {
      const [low, high] = use.ranges[name];
      return read(leg) < low || read(leg) > high;
    })).length;
    if (outside) doubts.push(`The law of ${use.term} is used beyond what it was learned from on ${counted(outside, ...plan.places)}.`);
  }
  return doubts;
}

function brokenOnRoutes(routes, state) {
  const where = (broken) => routes.labels.filter((_, route) => broken(route));
  const heaviest = (route) => Math.max(...state.columns.load.slice(routes.first[route], routes.first[route + 1]));
  const told = [
    ["more on board than fits", where((route) => exceeds(heaviest(route), routes.capacity[route] ?? Infinity))],
    ["leaves before it may", where((route) => exceeds(routes.earliest[route] ?? -Infinity, state.departure[route]))],
    ["comes back after its shift", where((route) => exceeds(state.finish[route], routes.shiftEnd[route] ?? Infinity))],
    ["longer on the road than allowed", where((route) =>
      exceeds(state.finish[route] - state.departure[route], routes.longest[route] ?? Infinity))],
  ];
  const doubts = told.filter(([, names]) => names.length).map(([words, names]) => `${listed(names)}: ${words}.`);
  const late = (state.late ?? []).filter((leg) => exceeds(state.columns.late[leg], 0));
  if (late.length) doubts.push(`${counted(late.length, "stop is", "stops are")} reached after the last window closes.`);
  return doubts;
}

// ---- numbers and words

const fixed = (value, digits = 2) =>
  value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const short = (value) => value.toLocaleString("en-GB", { maximumSignificantDigits: 4 }).replace("-", "−");
const signed = (value, text) => (value > 0 ? `+${text}` : text);
const counted = (count, one, many) => `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
const withUnit = (text, unit) => (unit ? `${text}\u00a0${unit}` : text);
const listed = (names) => (names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", "));

// ---- elements: attributes and text only, never markup

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const make = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

let made = 0;

// A slider with its label and what it says.
function slider(label, { low, high, step, value }, said, moved) {
  const id = `live-${++made}`;
  const input = make("input", { type: "range", id, min: low, max: high, step });
  const output = make("output", { for: id });
  input.value = value;
  const tell = () => {
    output.textContent = said(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { tell(); moved(Number(input.value)); });
  tell();
  const set = (next) => { input.value = next; tell(); };
  return { element: make("div", { class: "lever" }, make("label", { for: id }, label), input, output), set };
}

// Runs a function once before the next picture is painted, however often it is asked for.
function oncePainted(action) {
  let asked = false;
  return () => {
    if (!asked) requestAnimationFrame(() => { asked = false; action(); });
    asked = true;
  };
}

// ---- the plan as it stands, priced under what the reader moves

function leverText({ kind, unit, base }, value) {
  if (kind === "shift") return withUnit(signed(value, short(value)), unit);
  const share = `× ${fixed(value)}`;
  return base === null || kind === "load" ? share : `${withUnit(short(base * value), unit)} (${share})`;
}

function planPanel(place, data, laws, followers) {
  const { levers, plans, unit } = data;
  const settings = {};
  const before = plans.map(({ plan }) => priceOf(plan, laws, {}));
  const body = make("tbody");
  const answer = make("p", { class: "answer", role: "status" });
  const others = make("p", { class: "quiet" });
  const doubts = make("ul", { class: "changes doubts" });
  const show = () => {
    const now = Object.keys(settings).length ? plans.map(({ plan }) => priceOf(plan, laws, settings)) : before;
    const [change, share] = [now[0].total - before[0].total, now[0].total / before[0].total - 1];
    const asPlanned = Math.abs(change) < 0.005 ? "as planned" : `${signed(change, fixed(change))} ${unit} (${signed(share, fixed(100 * share, 1))} %)`;
    answer.textContent = `The plan as it stands costs ${withUnit(fixed(now[0].total), unit)}: ${asPlanned}.`;
    others.textContent = plans.slice(1).map(({ label }, place) => {
      const less = now[place + 1].total - now[0].total;
      return `${label} would cost ${withUnit(fixed(now[place + 1].total), unit)}, ${withUnit(fixed(Math.abs(less)), unit)} ${less < 0 ? "less" : "more"}.`;
    }).join(" ");
    const rows = Object.keys(before[0].terms).sort((a, b) => before[0].terms[b] - before[0].terms[a]);
    body.replaceChildren(...[...rows, ""].map((term) => {
      const [was, is] = term ? [before[0].terms[term], now[0].terms[term]] : [before[0].total, now[0].total];
      const cells = [was, is, is - was].map((value, column) =>
        make("td", { class: "n" }, column === 2 ? signed(value, fixed(value)) : fixed(value)));
      return make("tr", term ? {} : { class: "total" }, make("th", { scope: "row" }, term || "total"), ...cells);
    }));
    doubts.replaceChildren(...now[0].doubts.map((text) => make("li", {}, text)));
    for (const follow of followers) follow(settings, now[0].state);
  };
  const later = oncePainted(show);
  const controls = levers.map((lever) => {
    const neutral = lever.kind === "shift" ? 0 : 1;
    const control = slider(lever.label, { ...lever, value: neutral }, (value) => leverText(lever, value), (value) => {
      settings[lever.key] = value;
      later();
    });
    return { element: control.element, reset: () => { control.set(neutral); delete settings[lever.key]; } };
  });
  const reset = make("button", { type: "button" }, "As planned");
  reset.addEventListener("click", () => { controls.forEach((control) => control.reset()); show(); });
  const heads = ["term", `as planned, ${unit}`, `moved, ${unit}`, "change"].map((text, column) =>
    make("th", column ? { scope: "col", class: "n" } : { scope: "col" }, text));
  const table = make("table", {}, make("caption", {}, "The price of the plan as it stands, by term"), make("thead", {}, make("tr", {}, ...heads)), body);
  place.replaceChildren(
    make("h3", {}, levers.some(({ kind }) => kind !== "price") ? "Move prices, load and hour" : "Move prices"),
    make("p", { class: "quiet" }, `The plan stays: ${plans[0].plan.stays}. What it would become is not known here; that takes planning anew (kanopt compare, kanopt sweep).`),
    make("div", { class: "levers", role: "group", "aria-label": "What moves" }, ...controls.map(({ element }) => element), reset),
    answer, others, doubts, make("div", { class: "scroll" }, table),
  );
  place.hidden = false;
  show();
}

// ---- a law, drawn along one input and told at one place

const SIZE = { width: 420, height: 250, left: 46, right: 12, top: 14, bottom: 36 };
const POINTS = 121;
const MOST_DOTS = 300;

// Round numbers from low to high, about `count` of them.
function ticksOf(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(Math.floor(high / step + 1e-9) - first + 1, 0) }, (_, place) => (first + place) * step);
}

function scaled(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

// Where the legs or flows of the plan lie: the input along which the law is drawn, and the law there.
function dotsOf(uses, law, along, laws, state) {
  const dots = [];
  for (const { plan, use } of uses) {
    if (use.law !== law.law) continue;
    const kinds = kindsOf(plan);
    const factor = (key) => state.settings[key] ?? 1;
    const readers = readersOf(use.inputs, state.columns, kinds, factor);
    const count = countOf(plan, use);
    const every = Math.max(Math.ceil(count / MOST_DOTS), 1);
    for (let leg = 0; leg < count; leg += every) {
      const row = Object.fromEntries(readers.map(([name, read]) => [name, read(leg)]));
      dots.push([row[along], lawAt(laws[law.law], row)]);
    }
  }
  return dots.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}

// Rows that the law was not learned from: the input along which it is drawn, and what was observed.
function rowsOf(law, along) {
  const xs = law.rows && Object.hasOwn(law.rows.inputs, along) ? law.rows.inputs[along] : [];
  return xs.map((x, place) => [x, law.rows.target[place]]).filter(([x, y]) => x !== null && y !== null);
}

// The second smallest to the second largest percentage of what was observed, so that a gross error does not flatten the rest.
function usualOf(rows) {
  const values = rows.map(([, y]) => y).sort((a, b) => a - b);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  return values.length ? [at(0.02), at(0.98)] : [];
}

// What is drawn of a law: the line, the band in which nine in ten rows lie, the plan's legs, and the place that is told.
function lawPicture(law, along, at, value, dots) {
  const { low, high } = along;
  const xs = Array.from({ length: POINTS }, (_, place) => low + ((high - low) * place) / (POINTS - 1));
  const ys = xs.map((x) => value({ ...at, [along.name]: x }));
  const [below, above] = law.band ?? [0, 0];
  const shown = dots.filter(([x]) => x >= low && x <= high);
  const rows = rowsOf(law, along.name);
  const all = [...usualOf(rows), ...ys.flatMap((y) => [y + below, y + above]), ...shown.map(([, y]) => y)].filter(Number.isFinite);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const floor = least > 0 && least < 0.5 * most ? 0 : least;
  const x = scaled(low, high, SIZE.left, SIZE.width - SIZE.right);
  const y = scaled(floor, most > floor ? most : floor + 1, SIZE.height - SIZE.bottom, SIZE.top);
  const path = (points) => `M${points.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}`;
  const line = xs.map((a, place) => [a, ys[place]]).filter(([, b]) => Number.isFinite(b));
  const parts = ticksOf(floor, most, 4).flatMap((tick) => [
    draw("line", { class: "grid-line", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y(tick), y2: y(tick) }),
    draw("text", { x: SIZE.left - 6, y: y(tick) + 4, "text-anchor": "end" }, short(tick)),
  ]);
  parts.push(...ticksOf(low, high, 6).map((tick) =>
    draw("text", { x: x(tick), y: SIZE.height - SIZE.bottom + 16, "text-anchor": "middle" }, short(tick))));
  if (law.band && line.length) {
    const edge = (shift) => line.map(([a, b]) => [a, b + shift]);
    parts.push(draw("path", { class: "band", d: `${path([...edge(above), ...edge(below).reverse()])}Z` }));
  }
  const inside = rows.filter(([a, b]) => a >= low && a <= high && b >= floor && b <= most);
  parts.push(...inside.map(([a, b]) => draw("circle", { class: "row-dot", cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 1.6 })));
  parts.push(...shown.map(([a, b]) => draw("circle", { class: "dot", cx: x(a).toFixed(1), cy: y(b).toFixed(1), r: 2 })));
  if (line.length) parts.push(draw("path", { class: "law-line", d: path(line) }));
  parts.push(draw("text", { x: (SIZE.left + SIZE.width) / 2, y: SIZE.height - 4, "text-anchor": "middle" }, withUnit(along.name, along.unit && `(${along.unit})`)));
  const cursor = (place) => {
    const told = value({ ...at, [along.name]: place });
    return Number.isFinite(told) ? [
      draw("line", { class: "cursor", x1: x(place), x2: x(place), y1: SIZE.top, y2: SIZE.height - SIZE.bottom }),
      draw("circle", { class: "cursor-dot", cx: x(place), cy: y(told), r: 4.5 }),
    ] : [];
  };
  const placeOf = (share) => {
    const place = low + ((share * SIZE.width - SIZE.left) / (SIZE.width - SIZE.left - SIZE.right)) * (high - low);
    return Math.min(Math.max(place, low), high);
  };
  return { parts, cursor, placeOf, beyond: rows.length - inside.length };
}

// The inputs of a law that the rows give no range, such as a price: around what the plan says.
function rangeAround(law, input, uses) {
  for (const { use } of uses) {
    const source = use.law === law.law ? use.inputs[input.name] : undefined;
    const base = source?.kinds?.[0] ?? source?.value;
    if (typeof base === "number") return { low: 0.5 * base, high: 2 * base, at: base, lever: source.lever };
  }
  return { low: 0, high: 2 * (input.at || 1), at: input.at };
}

function lawPanel(article, law, laws, uses, followers) {
  const value = (row) => lawAt(laws[law.law], row);
  const inputs = law.inputs.map((input) => (input.categories || input.low !== undefined ? input : { ...input, ...rangeAround(law, input, uses) }));
  const numbers = inputs.filter((input) => !input.categories);
  const at = Object.fromEntries(inputs.map((input) => [input.name, input.at]));
  let along = numbers[0];
  let state = null;
  let picture = null;
  const svg = draw("svg", { class: "chart law-chart", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" });
  const marks = draw("g");
  const told = make("p", { class: "told", role: "status" });
  const beyond = make("span");
  const tell = (place) => {
    const row = along ? { ...at, [along.name]: place } : at;
    const found = value(row);
    const [below, above] = law.band ?? [];
    const band = law.band ? `; nine in ten rows lie between ${short(found + below)} and ${withUnit(short(found + above), law.unit)}` : "";
    const where = inputs.map((input) => `${input.name} ${typeof row[input.name] === "number" ? withUnit(short(row[input.name]), input.unit) : row[input.name]}`).join(", ");
    told.textContent = Number.isFinite(found) ? `${law.name} = ${withUnit(short(found), law.unit)} at ${where}${band}.` : `${law.name} has no value at ${where}.`;
    if (picture) marks.replaceChildren(...picture.cursor(place));
  };
  const show = () => {
    if (along) {
      picture = lawPicture(law, along, at, value, state ? dotsOf(uses, law, along.name, laws, state) : []);
      svg.replaceChildren(...picture.parts, marks);
      beyond.textContent = picture.beyond ? `; ${counted(picture.beyond, "row lies", "rows lie")} beyond the picture` : "";
      svg.setAttribute("aria-label", `Line chart: ${law.name} along ${along.name}, at the values of the sliders`);
    }
    tell(along ? at[along.name] : 0);
  };
  const later = oncePainted(show);
  const controls = inputs.map((input) => {
    const change = (next) => { at[input.name] = next; later(); };
    if (input.categories) {
      const id = `live-${++made}`;
      const choice = make("select", { id }, ...input.categories.map((label) => make("option", { value: label }, label)));
      choice.value = input.at;
      choice.addEventListener("change", () => change(choice.value));
      return { element: make("div", { class: "lever" }, make("label", { for: id }, input.name), choice) };
    }
    const step = input.whole ? 1 : "any";
    const control = slider(input.name, { low: input.low, high: input.high, step, value: input.at }, (number) => withUnit(short(number), input.unit), change);
    return { ...control, input };
  });
  if (numbers.length > 1) {
    const id = `live-${++made}`;
    const choice = make("select", { id }, ...numbers.map(({ name }) => make("option", { value: name }, name)));
    choice.addEventListener("change", () => { along = numbers.find(({ name }) => name === choice.value); show(); });
    controls.unshift({ element: make("div", { class: "lever" }, make("label", { for: id }, "drawn along"), choice) });
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    tell(picture.placeOf((event.clientX - box.left) / box.width));
  });
  svg.addEventListener("pointerleave", () => tell(at[along.name]));
  followers.push((settings, moved) => {
    state = { settings, columns: moved.columns };
    for (const { input, set } of controls) {
      if (input?.lever === undefined) continue;
      at[input.name] = Math.min(Math.max(input.at * (settings[input.lever] ?? 1), input.low), input.high);
      set(at[input.name]);
    }
    later();
  });
  const levers = make("div", { class: "levers", role: "group", "aria-label": `Inputs of ${law.name}` }, ...controls.map(({ element }) => element));
  const used = uses.find(({ use }) => use.law === law.law);
  const words = [law.band ? "shaded: where nine in ten held-out rows lie" : "", law.rows ? "grey dots: some of these rows" : "", used ? `${law.rows ? "coloured dots" : "dots"}: the ${used.plan.places[1]} of the plan` : ""].filter(Boolean).join("; ");
  const figure = make("figure", { class: "live" }, make("figcaption", {}, make("b", {}, "Move its inputs"), words ? ` ${words}` : "", beyond), make("div", { class: "columns" }, levers, make("div", {}, ...(along ? [svg] : []), told)));
  const before = article.querySelector(".grid, .columns");
  if (before) before.before(figure); else article.append(figure);
  show();
}

// ---- charts that were drawn before: marks are told under the chart, by pointer or arrow keys

function readableChart(svg) {
  if (!svg.querySelector("title")) return;
  const told = make("p", { class: "told", role: "status" });
  let marked = null;
  const tell = (mark) => {
    marked?.classList.remove("told-mark");
    marked = mark;
    marked?.classList.add("told-mark");
    told.textContent = marked?.querySelector("title").textContent ?? "";
  };
  svg.addEventListener("pointerover", ({ target }) => {
    if (target.querySelector(":scope > title")) tell(target);
  });
  svg.addEventListener("keydown", (event) => {
    const marks = [...svg.querySelectorAll("title")].map((title) => title.parentElement).filter((mark) => !mark.closest(".dimmed"));
    const here = marks.indexOf(marked);
    const next = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: marks.length - 1 }[event.key];
    if (event.key === "Escape") tell(null);
    if (next === undefined || !marks.length) return;
    event.preventDefault();
    tell(marks[Math.min(Math.max(next, 0), marks.length - 1)]);
  });
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("aria-roledescription", "chart; arrow keys go through its marks");
  svg.after(told);
}

// ---- drawings of a plan: one driver or machine at a time, stops numbered, today's plan in its place

function choiceOf(label, options, chosen) {
  const id = `live-${++made}`;
  const select = make("select", { id }, ...options.map(([value, text]) => make("option", { value }, text)));
  select.addEventListener("change", () => chosen(select.value));
  return make("div", { class: "lever" }, make("label", { for: id }, label), select);
}

function switchOf(label, changed) {
  const id = `live-${++made}`;
  const box = make("input", { type: "checkbox", id });
  box.addEventListener("change", () => changed(box.checked));
  return make("div", { class: "switch" }, box, make("label", { for: id }, label));
}

function numberStops(on) {
  for (const text of document.querySelectorAll(".stop-number")) text.remove();
  if (!on) return;
  for (const mark of document.querySelectorAll("use[data-number]")) {
    const [x, y] = [Number(mark.getAttribute("x")), Number(mark.getAttribute("y"))];
    const text = draw("text", { class: "stop-number", x, y: y - 5, "text-anchor": "middle" }, mark.dataset.number);
    if (mark.classList.contains("dimmed")) text.classList.add("dimmed");
    if (mark.dataset.of) text.dataset.of = mark.dataset.of;
    mark.closest("svg").append(text);
  }
}

function planTools() {
  const charts = [...document.querySelectorAll("svg[data-whose=plan]")];
  if (!charts.length) return;
  const figure = charts[0].closest("figure");
  const tools = [];
  const today = document.querySelector(`svg[data-whose=today][data-view=${charts[0].dataset.view}]`)?.closest("figure");
  if (today) {
    const place = today.closest("[data-live=today]");
    figure.after(today);
    place?.remove();
    today.hidden = true;
    tools.push(choiceOf("drawn", [["plan", "this plan"], ["today", "today's plan"]], (value) => {
      figure.hidden = value === "today";
      today.hidden = value !== "today";
    }));
  }
  const names = [...new Set([...document.querySelectorAll("svg[data-whose] [data-of]")].map((element) => element.dataset.of))];
  if (names.length > 1) {
    tools.push(choiceOf("shown", [["", "all"], ...names.map((name) => [name, name])], (value) => {
      for (const element of document.querySelectorAll("svg[data-whose] [data-of]")) {
        element.classList.toggle("dimmed", value !== "" && element.dataset.of !== value);
      }
    }));
  }
  if (document.querySelector("use[data-number]")) tools.push(switchOf("number the stops", numberStops));
  // above table and drawing, which stand side by side
  if (tools.length) (figure.closest(".beside") ?? figure).before(make("div", { class: "tools live", role: "group", "aria-label": "What is drawn" }, ...tools));
}

// ---- the page

function usesOf(plan) {
  return [...plan.uses, plan.chain?.duration].filter(Boolean).map((use) => ({ plan, use }));
}

function start(laws) {
  const data = JSON.parse(document.getElementById("live-data").textContent);
  const followers = [];
  const uses = data.plans.length ? usesOf(data.plans[0].plan) : [];
  for (const svg of document.querySelectorAll("svg.chart")) readableChart(svg);
  planTools();
  for (const law of data.laws) {
    const article = [...document.querySelectorAll("article.law")].find(({ dataset }) => dataset.law === law.name);
    if (article) lawPanel(article, law, laws, uses, followers);
  }
  const place = document.querySelector("[data-live=plan]");
  if (place && data.plans.length && data.levers.length) planPanel(place, data, laws, followers);
  document.documentElement.dataset.live = "ready";
  return { data, laws, priceOf: (settings, which = 0) => priceOf(data.plans[which].plan, laws, settings) };
}
