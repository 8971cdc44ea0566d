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
