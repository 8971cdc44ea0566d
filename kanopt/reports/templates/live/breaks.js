// ---- on which legs of a route drivers take their breaks when it leaves at another time: as place_breaks of
// kanopt/problems/routing/simulate/breaks.py, where it is said why

const SLACK = 1e-7;
const SAME = 1e-9;

const exceeds = (value, limit) => value > limit + slackOf(limit);
const slackOf = (limit) => (Number.isFinite(limit) ? 1e-6 * Math.min(1, Math.max(Math.abs(limit), 1e-3)) + 1e-9 * Math.abs(limit) : 0);

// A break as soon as it may begin: when it is over, how long the drive is from then on, and whether it begins in time.
function takeBreak([length, earliest, latest], clock, remaining) {
  const begins = Math.max(clock, earliest);
  return [begins + length, remaining - Math.min(begins - clock, remaining), begins <= latest + SLACK];
}

// When the end of a leg is reached and the breaks from the first to before the last on it are over.
function arrivalAfter(breaks, first, last, clock, remaining) {
  for (const rest of breaks.slice(first, last)) [clock, remaining] = takeBreak(rest, clock, remaining);
  return clock + remaining;
}

function breaksOverBy(breaks, departure) {
  let [done, free] = [0, -Infinity];
  for (const [place, [length, earliest, latest]] of breaks.entries()) {
    const begins = Math.max(free, earliest);
    free = begins + length;
    if (departure >= free - SLACK) done = place + 1;
    if (begins > latest) break;
  }
  return done;
}

// How many of the breaks that are left cannot be taken after the route.
function lostAfter(breaks, taken, finish) {
  let [free, lost] = [finish, 0];
  for (const [length, earliest, latest] of breaks.slice(taken)) {
    const begins = Math.max(free, earliest);
    if (begins > latest + SLACK) lost += 1;
    else free = begins + length;
  }
  return lost;
}

const NOWHERE = { clock: Infinity, late: Infinity, price: Infinity };

// What becomes of one way to the tail of a leg, for each number of breaks taken by its end.
function waysOver(route, leg, before, way) {
  const found = [];
  let possible = Number.isFinite(way.clock);
  const leave = possible ? way.clock : 0;
  const spent = route.lasts(leg, leave);
  let [clock, remaining, begin, done] = [leave, spent, Infinity, Infinity];
  for (let taken = before; taken <= route.breaks.length; taken++) {
    if (taken > before) {
      const rest = route.breaks[taken - 1];
      const waits = Math.max(clock, rest[1]) > begin + SLACK;
      let fits;
      possible = possible && !(waits && done <= rest[2] + SLACK);
      [clock, remaining, fits] = takeBreak(rest, clock, remaining);
      possible = possible && fits;
    }
    if (!(possible && Number.isFinite(remaining))) {
      [begin, done] = [Infinity, Infinity];
      found.push(NOWHERE);
      continue;
    }
    begin = route.begins(leg, clock + remaining);
    const price = way.price + (route.ways > 1 ? route.price(leg, leave, spent, begin) : 0);
    done = begin + route.stays(leg, begin);
    found.push({ clock: done, late: way.late + Math.max(begin - route.mustBegin(leg), 0), price });
  }
  return found;
}

// Which ways are followed further: the soonest, and the cheapest of those that are neither later nor dearer than another.
function kept(route, ways) {
  const least = Math.min(...ways.map(({ late }) => late));
  const out = ways.map(({ clock, late }) => !Number.isFinite(clock) || late > least + SLACK);
  const noWorse = (one, other) =>
    one.clock <= other.clock + SAME && (!route.byClock || other.clock <= one.clock + SAME) && one.price <= other.price + SAME;
  const beaten = ways.map((way, place) => route.ways > 1 && ways.some((one, other) =>
    !out[other] && other !== place && noWorse(one, way) && (other < place || !noWorse(way, one))));
  const keys = ways.map(({ clock, price }, place) => (out[place] || beaten[place] ? Infinity : price + route.costPerTime * clock));
  const clocks = ways.map(({ clock }, place) => (out[place] || beaten[place] ? Infinity : clock));
  keys[clocks.indexOf(Math.min(...clocks))] = -Infinity;
  const order = ways.map((_, place) => place);
  return order.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a] - keys[b])).slice(0, route.ways);
}

// Whether one comes first by the first criterion by which both differ by more than a tolerance.
function comesFirst(criteria) {
  for (const [value, other, tolerance] of criteria) {
    if (value < other - tolerance) return true;
    if (!(value <= other + tolerance)) return false;
  }
  return false;
}

function bestEnd(route, states) {
  const limit = Math.min(route.shiftEnd + slackOf(route.shiftEnd) / 2, route.departure + route.longest + slackOf(route.longest) / 2);
  let best = null;
  for (const [number, { clock: end, late, price }] of states.flat().entries()) {
    const lost = lostAfter(route.breaks, Math.floor(number / route.ways), end);
    const beyond = Number.isFinite(limit) ? Math.max(end - limit, 0) : 0;
    const extra = route.costPerOvertime ? route.costPerOvertime * Math.max(end - route.departure - route.regular, 0) : 0;
    const paid = price + route.costPerTime * (end - route.departure) + extra;
    const wins = best === null || (Number.isFinite(end) && comesFirst([
      [lost, best.lost, 0], [late, best.late, SLACK], [beyond, best.beyond, SLACK], [paid, best.paid, SAME], [end, best.end, 0],
    ]));
    if (wins) best = { number, lost, late, beyond, paid, end };
  }
  return best;
}

// How many breaks are over at the departure, how many are taken on each leg, and how many cannot be taken.
function placedBreaks(route) {
  const counts = upTo(route.breaks.length + 1);
  const over = breaksOverBy(route.breaks, route.departure);
  const start = { clock: route.departure, late: 0, price: 0 };
  let states = counts.map((count) => upTo(route.ways).map((way) => (way === 0 && count <= over ? start : NOWHERE)));
  const came = route.legs.map((leg) => {
    const found = counts.map(() => []);
    for (const before of counts) {
      const ways = states[before].map((way) => waysOver(route, leg, before, way));
      for (const taken of counts.slice(before)) found[taken].push(...ways.map((way) => way[taken - before]));
    }
    const chosen = found.map((ways) => kept(route, ways));
    states = found.map((ways, taken) => upTo(route.ways).map((place) => ways[chosen[taken][place]] ?? NOWHERE));
    return chosen;
  });
  const { number, lost } = bestEnd(route, states);
  const taken = [];
  let at = number;
  for (const chosen of [...came].reverse()) {
    const before = chosen[Math.floor(at / route.ways)][at % route.ways];
    taken.unshift(Math.floor(at / route.ways) - Math.floor(before / route.ways));
    at = before;
  }
  return { before: Math.floor(at / route.ways), taken, missed: lost };
}
