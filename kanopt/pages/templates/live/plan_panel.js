// ---- the plan as it stands, priced under what the reader moves

function sliderText({ kind, unit }, value) {
  return kind === "shift" ? withUnit(signed(value, short(value)), unit) : `× ${fixed(value)}`;
}

function planPanel(place, data) {
  const { sliders, plans, unit } = data;
  const settings = {};
  const before = plans.map(({ plan }) => priceOf(plan, {}));
  const body = make("tbody");
  const answer = make("p", { class: "answer", role: "status" });
  const others = make("p", { class: "quiet" });
  const doubts = make("ul", { class: "changes doubts" });
  const show = () => {
    const now = Object.keys(settings).length ? plans.map(({ plan }) => priceOf(plan, settings)) : before;
    const [change, share] = [now[0].total - before[0].total, now[0].total / before[0].total - 1];
    const asPlanned = Math.abs(change) < 0.005 ? "as planned" : `${signed(change, fixed(change))} ${unit} (${signed(share, fixed(100 * share, 1))} %)`;
    answer.textContent = !Number.isFinite(now[0].total) ? "The plan has no price there: some leg cannot be driven." : `The plan as it stands costs ${withUnit(fixed(now[0].total), unit)}: ${asPlanned}.`;
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
  };
  const later = oncePainted(show);
  const controls = sliders.map((each) => {
    const neutral = neutralOf(each);
    const control = slider(each.label, { ...each, value: neutral }, (value) => sliderText(each, value), (value) => {
      settings[each.key] = value;
      later();
    });
    return { element: control.element, reset: () => { control.set(neutral); delete settings[each.key]; } };
  });
  const reset = make("button", { type: "button" }, "As planned");
  reset.addEventListener("click", () => { controls.forEach((control) => control.reset()); show(); });
  const heads = ["term", `as planned, ${unit}`, `moved, ${unit}`, "change"].map((text, column) =>
    make("th", column ? { scope: "col", class: "n" } : { scope: "col" }, text));
  const table = make("table", {}, make("caption", {}, "The price of the plan as it stands, by term"), make("thead", {}, make("tr", {}, ...heads)), body);
  place.replaceChildren(
    make("h3", {}, sliders.some(({ kind }) => kind !== "price") ? "Move prices, load and hour" : "Move prices"),
    make("p", { class: "quiet" }, `The plan stays: ${plans[0].plan.stays}. What it would become is not known here; that takes planning anew (kanopt compare, kanopt sweep).`),
    make("div", { class: "sliders", role: "group", "aria-label": "What moves" }, ...controls.map(({ element }) => element), reset),
    answer, others, doubts, make("div", { class: "scroll" }, table),
  );
  place.hidden = false;
  show();
}
