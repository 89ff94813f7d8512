// ---- selecting, details
const say = text => { $("said").textContent = text; };
const make = (tag, text, cls) => { const one = document.createElement(tag); if (text !== undefined) one.textContent = text; if (cls) one.className = cls; return one; };
function rowsInto(parent, title, rows) {
  if (!rows.length) return;
  if (title) parent.append(make("h3", title));
  const list = make("dl");
  for (const [label, text] of rows) { list.append(make("dt", label)); const dd = make("dd"); dd.append(text); list.append(dd); }
  parent.append(list);
}
function sentence(text) {  // names in back quotes stand in the font of names
  const whole = make("p", undefined, "about");
  text.split("`").forEach((part, at) => { if (part) whole.append(at % 2 ? make("code", part) : part); });
  return whole;
}
const pairs = list => { const rows = []; for (let i = 0; i < list.length; i += 2) rows.push([T(list[i]), T(list[i + 1])]); return rows; };
function linkTo(at) {
  const one = make("a", `${items[at].title}${items[at].sub ? "  " + items[at].sub : ""}`, "go");
  one.tabIndex = 0; one.setAttribute("role", "link");
  const go = () => { reveal(at); select(at); centre(items[rep[at]]); canvas.focus(); };
  one.addEventListener("click", go);
  one.addEventListener("keydown", event => { if (event.key === "Enter") { event.stopPropagation(); go(); } });
  return one;
}
function select(at, speak = true) {
  selected = at;
  const pane = $("detail");
  pane.hidden = at < 0;
  pane.replaceChildren();
  $("trail").textContent = "";
  redraw();
  if (at < 0) return;
  const item = items[at];
  const names = [];
  for (let p = item.parent; p > 0; p = items[p].parent) names.unshift(items[p].title);
  $("trail").textContent = names.join(" › ");
  const shut = make("button", "×", "x");
  shut.title = "Close (Esc)";
  shut.addEventListener("click", () => { select(-1); canvas.focus(); });
  pane.append(shut, make("h2", item.title));
  if (item.sub) pane.append(make("p", item.sub));
  if (item.group) {
    const button = make("button", item.open ? "Close (Enter)" : "Open (Enter)");
    button.addEventListener("click", () => { toggle(at); canvas.focus(); });
    if (item.third) pane.append(make("p", item.third));
    pane.append(button);
  } else pane.append(make("p", `${data.families[item.family][1]} ${data.families[item.family][0]}`, `k-${data.families[item.family][0].replace(" ", "-")}`));
  const [what, ...more] = item.about.map(T);
  if (what) pane.append(sentence(what));
  valuesInto(pane, item);
  const attrs = pairs(item.attrs);
  rowsInto(pane, "Shapes", attrs.filter(([name]) => name.startsWith("output ")));
  rowsInto(pane, "Attributes", attrs.filter(([name]) => !name.startsWith("output ")));
  if (more.length) { pane.append(make("h3", "In this model")); for (const text of more) pane.append(sentence(text)); }
  const under = at => { for (; at >= 0; at = items[at].parent) if (at === item.at) return true; return false; };
  const into = edges.filter(edge => under(edge.t) && !under(edge.s)), from = edges.filter(edge => under(edge.s) && !under(edge.t));
  rowsInto(pane, `Reads from (${into.length})`, into.slice(0, 50).map(edge => [edge.control ? "control" : edge.label, linkTo(edge.s)]));
  rowsInto(pane, `Read by (${from.length})`, from.slice(0, 50).map(edge => [edge.control ? "control" : edge.label, linkTo(edge.t)]));
  rowsInto(pane, "Folded into it", pairs(item.facts));
  const place = [];
  if (item.path) place.push(["name", item.path]);
  if (marked && item.owner >= 0) place.push(["model", `${data.owners[item.owner][1]} ${data.owners[item.owner][0]}`]);
  if (names.length) place.push(["inside", names.join(" › ")]);
  rowsInto(pane, "Place", place);
  if (item.folded.length) rowsInto(pane, `Folded nodes (${item.folded.length})`, item.folded.slice(0, 60).map(text => ["", T(text)]));
  if (speak) say(`${item.title} ${item.sub}`);
}
