// Lets a reader move prices, load and hour of a page, and look closer at its charts.
//
// It stands alone: it loads nothing, evaluates no text, and writes whatever comes from data as text. The page hands it
// `laws`, the functions of its laws as `Formula.to_javascript` writes them, and JSON in #live-data. Without it the page
// reads as before, since all controls are made here.

// ---- a plan priced again, as it stands: the same stops, lanes or tasks in the same order

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
  const missed = (state.missed ?? []).map((route) => routes.labels[route]);
  if (missed.length) doubts.push(`${listed(missed)}: a break cannot be taken.`);
  if (late.length) doubts.push(`${counted(late.length, "stop is", "stops are")} reached after the last window closes.`);
  return doubts;
}
