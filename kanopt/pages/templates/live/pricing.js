// Lets a reader move prices, loads and departures of a page, and look closer at its charts.
//
// It stands alone: it loads nothing, evaluates no text, and writes whatever comes from data as text. The page hands it
// JSON in #live-data. Without it the page reads as before, since all controls are made here.

// ---- the price of a plan as it stands: read off a table, since nothing is driven here

const sum = (values) => values.reduce((total, value) => total + value, 0);
const neutralOf = ({ kind }) => (kind === "shift" ? 0 : 1);

// The state of the plan that is nearest to what the sliders say, as a position in its tables.
function stateOf(plan, settings) {
  return plan.axes.reduce((place, { key, values }) => {
    const wanted = settings[key] ?? values[(values.length - 1) / 2];
    const distance = (index) => Math.abs(values[index] - wanted);
    const nearest = values.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
    return place * values.length + nearest;
  }, 0);
}

// The price of a plan by term, NaN where it is not known, and what is to be known before it is believed.
function priceOf(plan, settings) {
  const state = stateOf(plan, settings);
  const factor = (key) => settings[key] ?? 1;
  // without a prototype, so that a term may be called __proto__ as any other
  const terms = Object.create(null);
  for (const { term, slider, amounts } of plan.terms) {
    terms[term] = (slider ? factor(slider) : 1) * (amounts[state] ?? NaN);
  }
  const doubts = (plan.doubts.of[state] ?? []).map((place) => plan.doubts.said[place]);
  return { terms, total: sum(Object.values(terms)), doubts };
}
