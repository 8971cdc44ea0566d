// ---- the page

function start(laws) {
  const data = JSON.parse(document.getElementById("live-data").textContent);
  for (const svg of document.querySelectorAll("svg.chart")) readableChart(svg);
  planTools();
  for (const law of data.laws) {
    const article = [...document.querySelectorAll("article.law")].find(({ dataset }) => dataset.law === law.name);
    if (article) lawPanel(article, law, laws);
  }
  const place = document.querySelector("[data-live=plan]");
  if (place && data.plans.length && data.sliders.length) planPanel(place, data);
  else if (place && data.why) {
    place.append(make("p", { class: "quiet" }, data.why));
    place.hidden = false;
  }
  document.documentElement.dataset.live = "ready";
  return { data, laws, priceOf: (settings, which = 0) => priceOf(data.plans[which].plan, settings) };
}
