// ---- routes driven again, when loads or departures move: as kanopt/problems/routing/simulate drives them

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

// When one arrives by a function of when one leaves, given by its points.
function arrivalBy({ leave, arrive, noise }, clock) {
  const low = leave.findIndex((at) => at >= clock - noise);
  const point = low < 0 ? leave.length - 1 : low;
  const [x, y] = [leave[point], arrive[point]];
  if (low < 0 || (low === 0 && clock < x)) return y + (clock - x);
  if (x <= clock) return y;
  const [before, reached] = [leave[point - 1], arrive[point - 1]];
  return reached + ((y - reached) * (clock - before)) / (x - before);
}

// How long a leg takes that begins at a time, and how long one stays that serves from a time on.
function timesOf(plan, laws, moved, kindOf) {
  const { chain } = plan;
  const one = () => 1;
  const drives = chain.duration && valueOf(chain.duration, laws, moved, kindOf, one);
  const serves = chain.service && valueOf(chain.service, laws, moved, kindOf, one);
  const lasts = (leg, clock) => {
    moved.leave[leg] = clock;
    if (chain.arrivals) return arrivalBy(chain.arrivals.functions[chain.arrivals.of[leg]], clock) - clock;
    return drives ? drives(leg) : plan.columns.duration[leg];
  };
  const stays = (leg, begin) => {
    moved.begin[leg] = begin;
    return serves && chain.service.at[leg] ? serves(leg) : chain.stay[leg];
  };
  return { lasts, stays, begins: (leg, there) => beginOf(chain, leg, Math.max(there, chain.ready?.[leg] ?? -Infinity)) };
}

// What the clock decides of the price of a leg, as breaks are placed by it.
function pricedByClock(plan, laws, moved, kindOf, factor) {
  const clocked = plan.uses.filter(({ clocked: is }) => is).map((use) => {
    const value = valueOf(use, laws, moved, kindOf, factor);
    return (leg) => factor(use.lever) * value(leg);
  });
  const lateness = plan.rates.find(({ term }) => term === "lateness");
  return (leg, leave, spent, begin) => {
    moved.leave[leg] = leave;
    moved.duration[leg] = spent;
    moved.late[leg] = lateBy(plan.chain, leg, begin);
    const late = lateness ? factor(lateness.lever) * lateness.rates[leg] * moved.late[leg] : 0;
    return late + sum(clocked.map((value) => value(leg)));
  };
}

const lateBy = (chain, leg, begin) => Math.max(begin - (chain.closes.at(-1)?.[leg] ?? Infinity), 0);

// A route with breaks, as what places them asks for it.
function routeOf(plan, route, departure, { times, price, factor, soft }) {
  const { chain, routes } = plan;
  const rateOf = (name) => {
    const found = plan.rates.find(({ term }) => term === name);
    return found ? factor(found.lever) * found.rates[route] : 0;
  };
  return {
    ...times, price, departure,
    legs: upTo(routes.first[route + 1] - routes.first[route]).map((leg) => leg + routes.first[route]),
    breaks: chain.breaks[routes.kind[route]],
    ways: chain.ways,
    byClock: chain.byClock,
    costPerTime: rateOf("time"),
    costPerOvertime: rateOf("overtime"),
    regular: routes.regular[route] ?? Infinity,
    shiftEnd: routes.shiftEnd[route] ?? Infinity,
    longest: routes.longest[route] ?? Infinity,
    mustBegin: (leg) => (soft.has(leg) ? Infinity : chain.closes.at(-1)?.[leg] ?? Infinity),
  };
}

// Whether what is moved changes when anything happens; prices do where breaks are placed by them.
function isDrivenAgain({ chain, routes }, settings) {
  if (!chain) return false;
  const reads = (use) => use && Object.values(use.inputs).some(({ column }) => column === "load");
  const loaded = (settings.load ?? 1) !== 1 && (reads(chain.duration) || reads(chain.service) || Boolean(chain.breaks));
  const placed = chain.breaks && chain.ways > 1 && Object.keys(settings).length > 0;
  return loaded || placed || ((settings.departures ?? 0) !== 0 && routes.moves.some(Boolean));
}

// What is on board, and when each leg begins and each route ends, with moved loads and departures.
function driven(plan, laws, kindOf, settings) {
  const { chain, routes } = plan;
  const load = settings.load ?? 1;
  const columns = { ...plan.columns, load: plan.columns.load.map((amount) => amount * load) };
  if (!isDrivenAgain(plan, settings)) return { columns, finish: routes.finish, departure: routes.departure };
  const moved = { ...columns, leave: [], duration: [], late: [], begin: [] };
  const factor = (key) => settings[key] ?? 1;
  const times = timesOf(plan, laws, moved, kindOf);
  const price = chain.breaks && pricedByClock(plan, laws, moved, kindOf, factor);
  const asked = { times, price, factor, soft: new Set(chain.soft) };
  const [late, missed] = [[], []];
  const departure = routes.departure.map((clock, route) => clock + (routes.moves[route] ? settings.departures ?? 0 : 0));
  const finish = departure.map((start, route) => {
    const breaks = chain.breaks?.[routes.kind[route]] ?? [];
    const first = routes.first[route];
    const placed = breaks.length && routes.first[route + 1] > first
      ? placedBreaks(routeOf(plan, route, start, asked)) : { before: 0, taken: [], missed: 0 };
    if (placed.missed) missed.push(route);
    let [clock, had] = [start, placed.before];
    for (let leg = first; leg < routes.first[route + 1]; leg++) {
      const taken = placed.taken[leg - first] ?? 0;
      const spent = times.lasts(leg, clock);
      const begin = times.begins(leg, arrivalAfter(breaks, had, had + taken, clock, spent));
      moved.leave[leg] = clock;
      moved.duration[leg] = spent;
      moved.late[leg] = lateBy(chain, leg, begin);
      if (moved.late[leg] > 0 && !asked.soft.has(leg)) late.push(leg);
      clock = begin + times.stays(leg, begin);
      had += taken;
    }
    return clock;
  });
  return { columns: moved, finish, departure, late, missed };
}
