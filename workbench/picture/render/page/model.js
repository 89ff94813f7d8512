const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const T = at => data.texts[at];
const FONT = 'ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace';
const LINE = 17, HEAD = 26, PAD = 18, GAP = 26, PASS = 14;

// ---- the model: groups first, then boxes; group 0 is the whole picture
const items = [];
for (const [parent, body, title, sub, third, owner, path, about] of data.groups)
  items.push({group: true, body: !!body, parent, title: T(title), sub: T(sub), third: T(third), owner, path: T(path),
    kids: [], open: false, depth: 0, folded: [], facts: [], attrs: [], about, family: body ? 5 : 8});
const first = items.length;
for (const [parent, family, title, sub, third, owner, seam, caption, path, folded, facts, attrs, about] of data.nodes)
  items.push({group: false, parent, family, title: T(title), sub: T(sub), third: T(third), owner, seam: !!seam,
    caption: T(caption), path: T(path), folded, facts, attrs, about});
items.forEach((item, at) => {
  item.at = at;
  if (item.parent < 0) return;
  items[item.parent].kids.push(at);
});
const depthOf = item => { let d = 0; for (let p = item.parent; p >= 0; p = items[p].parent) d++; return d; };
items.forEach(item => { item.depth = depthOf(item); });
const edges = data.edges.map(([s, t, label, flags]) => ({
  s: s < 0 ? -1 - s : first + s, t: t < 0 ? -1 - t : first + t, label: T(label), control: !!(flags & 1), seam: !!(flags & 2)}));
for (const edge of edges) if (edge.seam) for (let at of [edge.s, edge.t])
  for (; at > 0; at = items[at].parent) if (items[at].group) items[at].seam = true;
items[0].open = true;
for (const at of data.opened) items[at].open = true;

const canvas = $("canvas");
let pen = canvas.getContext("2d");
pen.font = `12px ${FONT}`;
const CW = pen.measureText("MMMMMMMMMM").width / 10 || 7.2;
const marked = data.owners.length > 0;
