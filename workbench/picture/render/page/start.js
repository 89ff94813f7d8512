// ---- the page
function isDark() {
  const named = document.documentElement.dataset.theme;
  return named === "dark" || named !== "light" && matchMedia("(prefers-color-scheme: dark)").matches;
}
function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  readColours();
}
$("title").textContent = data.title || "graph";
$("more").addEventListener("click", () => zoomAt(1.25));
$("less").addEventListener("click", () => zoomAt(0.8));
$("fit").addEventListener("click", fitAll);
$("open").addEventListener("click", () => all(true));
$("close").addEventListener("click", () => all(false));
$("theme").addEventListener("click", switchTheme);
$("help").addEventListener("click", () => { if (keysPane.hidden) showHelp(); else hideHelp(); });
$("save").addEventListener("click", savePicture);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours);
const legend = $("legend");
const entry = (sign, text, cls) => { const one = make("span"); one.append(make("b", sign, cls), text); legend.append(one); };
const used = new Set(items.filter(item => item.at && (!item.group || item.body)).map(item => item.family));
const kindClass = name => `k-${name.replace(" ", "-")}`;
function listLegend() {
  legend.replaceChildren();
  if (run && overlay) listScale();
  for (const [title, mark, cls] of data.owners) entry(mark, title, cls);
  if (edges.some(edge => edge.seam)) entry("━", "boundary", "seam");
  data.families.forEach(([name, sign], at) => { if (used.has(at)) entry(sign, at === 0 ? "input, output" : name, kindClass(name)); });
  if (items.some(item => item.group && item.at)) entry("+", "more inside", "");
}
function listScale() {  // what the colours of values mean
  const {bounds} = run;
  if (bounds.length) {
    const scale = make("span", undefined, "scale");
    scale.append("largest |value|  0", make("i", undefined, "m0"), bounds[0]);
    for (let step = 1; step < bounds.length; step++) {
      const swatch = make("i", undefined, `m${step}`);
      swatch.title = `${bounds[step - 1]} to ${bounds[step]}`;
      scale.append(swatch);
    }
    scale.append(bounds[bounds.length - 1]);
    legend.append(scale);
  }
  entry(BAD, "NaN or infinite", "bad-sign");
}
if (run) {
  const button = $("values"), bad = $("bad");
  button.hidden = false;
  button.addEventListener("click", switchValues);
  bad.hidden = !troubled.length;
  bad.textContent = `${BAD} NaN or Inf: ${troubled.length}`;
  bad.addEventListener("click", nextTroubled);
}
listLegend();
fillHelp();
arrange();
new ResizeObserver(() => { const before = wide; resize(); if (!before) start(); }).observe(canvas);
readColours();

window.picture = {
  items, select, toggle, all, fitAll, face: at => face(items[at]), zoomAt, reveal, search,
  get selected() { return selected; }, get view() { return {...view}; }, get drawn() { return drawn; },
  get visible() { return items.filter(item => item.at && rep[item.at] === item.at && (!item.group || !item.open)).map(item => item.at); },
  paintWhole, pan(dx, dy) { view.x += dx / view.zoom; view.y += dy / view.zoom; redraw(); }, paint,
  screen(at) { const b = items[at]; return [(b.x - view.x) * view.zoom, (b.y - view.y) * view.zoom, b.w * view.zoom, b.h * view.zoom]; },
};
