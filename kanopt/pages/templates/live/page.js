// ---- the page

function start() {
  const data = JSON.parse(document.getElementById("live-data").textContent);
  for (const svg of document.querySelectorAll("svg.chart")) readableChart(svg);
  planTools();
  const place = document.querySelector("[data-live=plan]");
  if (place && data.plans.length && data.sliders.length) planPanel(place, data);
  document.documentElement.dataset.live = "ready";
  return { data, priceOf: (settings, which = 0) => priceOf(data.plans[which].plan, settings) };
}
