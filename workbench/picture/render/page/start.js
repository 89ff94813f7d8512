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
$("help").addEventListener("click", () => { keysPane.hidden = !keysPane.hidden; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours);
const legend = $("legend");
const entry = (sign, text, cls) => { const one = make("span"); one.append(make("b", sign, cls), text); legend.append(one); };
const used = new Set(items.filter(item => item.at && (!item.group || item.body)).map(item => item.family));
for (const [mark, title, cls] of data.owners.map(([title, mark, cls]) => [mark, title, cls])) entry(mark, title, cls);
if (edges.some(edge => edge.seam)) entry("━", "boundary", "seam");
data.families.forEach(([name, sign], at) => { if (used.has(at)) entry(sign, at === 0 ? "input, output" : name, `k-${name.replace(" ", "-")}`); });
if (items.some(item => item.group && item.at)) entry("+", "more inside", "");
arrange();
new ResizeObserver(() => { const before = wide; resize(); if (!before) start(); }).observe(canvas);
readColours();

window.picture = {
  items, select, toggle, all, fitAll, zoomAt, reveal, search,
  get selected() { return selected; }, get view() { return {...view}; }, get drawn() { return drawn; },
  get visible() { return items.filter(item => item.at && rep[item.at] === item.at && (!item.group || !item.open)).map(item => item.at); },
  pan(dx, dy) { view.x += dx / view.zoom; view.y += dy / view.zoom; redraw(); }, paint,
  screen(at) { const b = items[at]; return [(b.x - view.x) * view.zoom, (b.y - view.y) * view.zoom, b.w * view.zoom, b.h * view.zoom]; },
};
