// ---- search
const field = $("search"), hits = $("hits");
let results = [], on = 0;
const hay = items.map(item => item.at === 0 ? "" : [item.title, item.sub, item.path, ...item.folded.map(T)].join("\n").toLowerCase());
function search() {
  const wanted = field.value.trim().toLowerCase();
  results = [];
  if (wanted) for (let at = 1; at < items.length; at++) if (hay[at].includes(wanted)) results.push(at);
  found = new Set(results);
  const rank = at => items[at].title.toLowerCase().startsWith(wanted) ? 0 : items[at].title.toLowerCase().includes(wanted) ? 1 : 2;
  results.sort((a, b) => rank(a) - rank(b) || a - b);
  on = 0;
  listHits();
  say(wanted ? `${results.length} found` : "");
  redraw();
}
function listHits() {
  hits.hidden = !field.value.trim();
  hits.replaceChildren();
  field.setAttribute("aria-expanded", String(!hits.hidden));
  field.removeAttribute("aria-activedescendant");
  if (hits.hidden) return;
  results.slice(0, 100).forEach((at, i) => {
    const row = make("li", `${items[at].title}  ${items[at].sub}`, i === on ? "on" : "");
    row.append(make("small", items[at].path));
    row.id = `hit-${i}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(i === on));
    if (i === on) field.setAttribute("aria-activedescendant", row.id);
    row.addEventListener("pointerdown", event => { event.preventDefault(); pick(i); });
    hits.append(row);
  });
  if (!results.length) hits.append(make("li", "Nothing is called that."));
  else if (results.length > 100) hits.append(make("li", `${results.length - 100} more`));
}
function pick(i) {
  if (!results.length) return;
  const at = results[i];
  hits.hidden = true;
  reveal(at);
  select(at);
  centre(items[at]);
  canvas.focus();
}
field.addEventListener("input", search);
field.addEventListener("keydown", event => {
  event.stopPropagation();
  const most = Math.min(results.length, 100);
  if (event.key === "Enter") pick(on);
  else if (event.key === "Escape") { field.value = ""; search(); canvas.focus(); }
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    on = most ? (on + (event.key === "ArrowDown" ? 1 : most - 1)) % most : 0;
    [...hits.children].slice(0, most).forEach((row, i) => { row.classList.toggle("on", i === on); row.setAttribute("aria-selected", String(i === on)); });
    field.setAttribute("aria-activedescendant", `hit-${on}`);
    hits.children[on]?.scrollIntoView({block: "nearest"});
  }
});
field.addEventListener("blur", () => { hits.hidden = true; });
field.addEventListener("focus", () => { if (field.value.trim()) listHits(); });
