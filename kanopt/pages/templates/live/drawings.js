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
  return make("div", { class: "slider" }, make("label", { for: id }, label), select);
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

// Another plan in the place of this one: today's, or that of a variant; and what it comes to, in a sentence.
function drawnChoice(figure) {
  const { view } = figure.querySelector("svg[data-whose=plan]").dataset;
  const drawingIn = (place) => place.querySelector(`svg[data-view=${view}]`)?.closest("figure");
  const places = [...document.querySelectorAll("[data-live=other]")].filter(drawingIn);
  if (!places.length) return [];
  const drawings = places.map(drawingIn);
  const told = make("p", { class: "told", role: "status" });
  for (const place of places) if (!place.matches("details")) place.hidden = true;
  const options = [["", "this plan"], ...places.map(({ dataset }, at) => [String(at), dataset.name])];
  let shown = null;
  const choice = choiceOf("drawn", options, (value) => {
    if (shown !== null) places[shown].append(drawings[shown]);
    shown = value === "" ? null : Number(value);
    if (shown !== null) figure.after(drawings[shown]);
    figure.hidden = shown !== null;
    told.textContent = shown === null ? "" : `${places[shown].dataset.told ?? ""} The tables stay those of this plan.`.trim();
  });
  return [choice, told];
}

// Rows of tables that belong to a driver or machine; those of others, such as jobs, stay.
function filterRows(names, name) {
  for (const row of document.querySelectorAll("tr[data-of]")) {
    row.hidden = name !== "" && names.includes(row.dataset.of) && row.dataset.of !== name;
  }
}

function planTools() {
  const charts = [...document.querySelectorAll("svg[data-whose=plan]")];
  if (!charts.length) return;
  const figure = charts[0].closest("figure");
  const tools = drawnChoice(figure);
  const names = [...new Set([...document.querySelectorAll("svg[data-whose] [data-of]")].map((element) => element.dataset.of))];
  if (names.length > 1) {
    tools.push(choiceOf("shown", [["", "all"], ...names.map((name) => [name, name])], (value) => {
      for (const element of document.querySelectorAll("svg[data-whose] [data-of]")) {
        element.classList.toggle("dimmed", value !== "" && element.dataset.of !== value);
      }
      filterRows(names, value);
    }));
  }
  if (document.querySelector("use[data-number]")) tools.push(switchOf("number the stops", numberStops));
  // above table and drawing, which stand side by side
  const told = tools.filter((tool) => tool.matches(".told"));
  const bar = make("div", { class: "tools live", role: "group", "aria-label": "What is drawn" }, ...tools.filter((tool) => !told.includes(tool)));
  if (tools.length) (figure.closest(".beside") ?? figure).before(bar, ...told);
}
