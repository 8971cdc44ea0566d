// What a rendered page must keep, as functions that give lists of what is wrong.
"use strict";
const checks = (() => {
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  const parsed = (colour) => {
    const found = /^rgba?\(([^)]+)\)$/.exec(colour);
    if (!found) return null;
    const [red, green, blue, alpha = 1] = found[1].split(/[\s,/]+/).filter(Boolean).map(Number);
    return { red, green, blue, alpha };
  };
  const over = (front, back) => {
    const mix = (name) => front.alpha * front[name] + (1 - front.alpha) * back[name];
    return { red: mix("red"), green: mix("green"), blue: mix("blue"), alpha: 1 };
  };
  // relative luminance and contrast ratio of WCAG 2.2
  const luminance = (colour) => {
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(colour.red) + 0.7152 * part(colour.green) + 0.0722 * part(colour.blue);
  };
  const ratio = (one, other) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const canvas = () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const body = parsed(getComputedStyle(document.body).backgroundColor);
    const plain = dark ? { red: 18, green: 18, blue: 18, alpha: 1 } : { red: 255, green: 255, blue: 255, alpha: 1 };
    return over(body, plain);
  };
  const painted = (element) => {
    const style = getComputedStyle(element);
    if (!(element instanceof SVGElement)) return parsed(style.backgroundColor);
    if (element instanceof SVGSVGElement || element instanceof SVGTextElement || element instanceof SVGGElement) return null;
    const fill = parsed(style.fill);
    return fill && { ...fill, alpha: fill.alpha * Number(style.fillOpacity) * Number(style.opacity) };
  };
  // what is painted behind the middle of a text, from the page up to the element just behind it
  const behind = (element, box) => {
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const stack = document.elementsFromPoint(x, y);
    const below = stack.slice(stack.indexOf(element) + 1);
    const own = element instanceof SVGElement ? [] : [element];
    return [...own, ...below].reverse().map(painted).filter((colour) => colour && colour.alpha > 0)
      .reduce((back, front) => over(front, back), canvas());
  };
  const texts = function* () {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.data.trim() && shown(node.parentElement) && !node.parentElement.closest("script, style, title, math")) yield node;
    }
  };

  const contrast = () => {
    const wrong = [];
    for (const node of texts()) {
      const element = node.parentElement;
      const range = document.createRange();
      range.selectNodeContents(node);
      if (!range.getBoundingClientRect().width) continue;
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      const style = getComputedStyle(element);
      const ink = parsed(element instanceof SVGElement ? style.fill : style.color);
      const back = behind(element, range.getClientRects()[0]);
      const faded = { ...ink, alpha: ink.alpha * Number(style.opacity) };
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const found = ratio(over(faded, back), back);
      if (found < (large ? 3 : 4.5)) wrong.push(`${found.toFixed(2)}: ${node.data.trim().slice(0, 60)}`);
    }
    return wrong;
  };

  const nameOf = (element) => {
    const by = (element.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean)
      .map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
    const inside = element.matches("[role=img], section, nav, [role=region], [role=group]") ? "" : element.textContent;
    return (by || element.getAttribute("aria-label") || element.getAttribute("alt") || labels || inside).trim();
  };
  const names = () => {
    const wrong = [];
    const asked = "img, [role=img], [role=region], [role=group], [role=slider], input, select, textarea, button, a[href], summary, nav, section";
    for (const element of document.querySelectorAll(asked)) {
      if (!nameOf(element)) wrong.push(`no name: ${element.outerHTML.slice(0, 90)}`);
    }
    for (const table of document.querySelectorAll("table")) if (!table.caption) wrong.push("a table without a caption");
    const labels = [...document.querySelectorAll("svg[role=img]")].map((svg) => svg.getAttribute("aria-label"));
    for (const [place, label] of labels.entries()) if (labels.indexOf(label) !== place) wrong.push(`two pictures are called ${label}`);
    for (const mark of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
      for (const element of document.querySelectorAll(`[${mark}]`)) {
        for (const id of element.getAttribute(mark).split(" ")) if (!document.getElementById(id)) wrong.push(`${mark} names ${id}, which is not there`);
      }
    }
    if (!document.documentElement.lang || !document.title) wrong.push("a page without language or title");
    return wrong;
  };

  // what reaches beyond the window: the page, or an element that no ancestor lets scroll
  const overflow = () => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = (element) => element && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
    return [...document.body.querySelectorAll("*")]
      .filter((element) => shown(element) && element.getBoundingClientRect().right > width + 1 && !scrolls(element.parentElement))
      .map((element) => element.outerHTML.slice(0, 90));
  };

  const reachable = () =>
    [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")].filter(
      (element) => element.tabIndex >= 0 && !element.disabled && shown(element) && !element.closest("details:not([open]) > :not(summary)")
    );
  const focused = () => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    return { place: reachable().indexOf(element), outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, text: element.outerHTML.slice(0, 90) };
  };
  return { contrast, names, overflow, reachable, focused };
})();
