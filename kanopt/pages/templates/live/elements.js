// ---- numbers and words

const fixed = (value, digits = 2) =>
  value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
const short = (value) => value.toLocaleString("en-GB", { maximumSignificantDigits: 4 }).replace("-", "−");
const signed = (value, text) => (value > 0 ? `+${text}` : text);
const withUnit = (text, unit) => (unit ? `${text}\u00a0${unit}` : text);

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
  return { element: make("div", { class: "slider" }, make("label", { for: id }, label), input, output), set };
}

// Runs a function once before the next picture is painted, however often it is asked for.
function oncePainted(action) {
  let asked = false;
  return () => {
    if (!asked) requestAnimationFrame(() => { asked = false; action(); });
    asked = true;
  };
}
