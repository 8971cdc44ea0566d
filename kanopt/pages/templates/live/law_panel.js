// ---- a law, drawn along one input and told at one place

const SIZE = { width: 420, height: 250, left: 46, right: 12, top: 14, bottom: 36 };
const POINTS = 121;

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
function dotsOf(law, along, value) {
  const { inputs } = law.plan ?? { inputs: {} };
  const names = Object.keys(inputs);
  const places = names.length ? [...inputs[names[0]].keys()] : [];
  const rows = places.map((place) => Object.fromEntries(names.map((name) => [name, inputs[name][place]])));
  return rows.map((row) => [row[along], value(row)]).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
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
function rangeAround(law, input) {
  const base = law.plan?.inputs[input.name]?.[0];
  if (typeof base === "number") return { low: 0.5 * base, high: 2 * base, at: base };
  return { low: 0, high: 2 * (input.at || 1), at: input.at };
}

function lawPanel(article, law, laws) {
  const value = (row) => lawAt(laws[law.law], row);
  const inputs = law.inputs.map((input) => (input.categories || input.low !== undefined ? input : { ...input, ...rangeAround(law, input) }));
  const numbers = inputs.filter((input) => !input.categories);
  const at = Object.fromEntries(inputs.map((input) => [input.name, input.at]));
  let along = numbers[0];
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
      picture = lawPicture(law, along, at, value, dotsOf(law, along.name, value));
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
      return { element: make("div", { class: "slider" }, make("label", { for: id }, input.name), choice) };
    }
    const step = input.whole ? 1 : "any";
    const control = slider(input.name, { low: input.low, high: input.high, step, value: input.at }, (number) => withUnit(short(number), input.unit), change);
    return { ...control, input };
  });
  if (numbers.length > 1) {
    const id = `live-${++made}`;
    const choice = make("select", { id }, ...numbers.map(({ name }) => make("option", { value: name }, name)));
    choice.addEventListener("change", () => { along = numbers.find(({ name }) => name === choice.value); show(); });
    controls.unshift({ element: make("div", { class: "slider" }, make("label", { for: id }, "drawn along"), choice) });
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    tell(picture.placeOf((event.clientX - box.left) / box.width));
  });
  svg.addEventListener("pointerleave", () => tell(at[along.name]));
  const sliders = make("div", { class: "sliders", role: "group", "aria-label": `Inputs of ${law.name}` }, ...controls.map(({ element }) => element));
  const words = [law.band ? "shaded: where nine in ten held-out rows lie" : "", law.rows ? "grey dots: some of these rows" : "", law.plan ? `${law.rows ? "coloured dots" : "dots"}: the ${law.plan.words} of the plan` : ""].filter(Boolean).join("; ");
  const figure = make("figure", { class: "live" }, make("figcaption", {}, make("b", {}, "Move its inputs"), words ? ` ${words}` : "", beyond), make("div", { class: "columns" }, sliders, make("div", {}, ...(along ? [svg] : []), told)));
  const before = article.querySelector(".grid, .columns");
  if (before) before.before(figure); else article.append(figure);
  show();
}
