// ---- layout: each open group is laid out alone, layer by layer, and is then a box in what is around it
let root = null, rep = [];

function sizeOf(item) {
  const lines = [item.title || item.sub || "…", item.title && item.sub, item.third].filter(Boolean);
  item.said = lines.length;
  const value = face(item);
  if (value && value.line) lines.push(value.line);
  const extra = marked && item.owner >= 0 ? 2 : 0;
  const across = Math.max((lines[0].length + 3 + extra + (item.group ? 2 : 0)) * CW * 1.06, ...lines.slice(1).map(l => l.length * CW));
  item.lines = lines;
  item.w = Math.ceil(Math.max(90, across + (item.family === 0 ? 38 : 24), (item.caption || "").length * CW + 40));
  item.h = lines.length * LINE + 12;
}

function arrange() {
  rep = new Array(items.length);
  const todo = [[0, -1]];
  while (todo.length) {
    const [at, closed] = todo.pop(), item = items[at];
    rep[at] = closed >= 0 ? closed : at;
    item.level = null;
    if (item.group) {
      const under = closed >= 0 ? closed : item.open ? -1 : at;
      for (const kid of item.kids) todo.push([kid, under]);
    }
  }
  const opened = [];  // outer before inner
  const list = [0];
  while (list.length) {
    const group = items[list.pop()];
    group.level = {edges: new Map(), ports: new Map(), boxes: group.kids};
    opened.push(group);
    for (const kid of group.kids) if (items[kid].group && items[kid].open) list.push(kid);
  }
  for (const edge of edges) {
    const a = rep[edge.s], b = rep[edge.t];
    if (a === b) continue;
    let x = a, y = b;
    while (items[x].depth > items[y].depth) x = items[x].parent;
    while (items[y].depth > items[x].depth) y = items[y].parent;
    if (x === y) continue;  // one is inside the other
    while (items[x].parent !== items[y].parent) { x = items[x].parent; y = items[y].parent; }
    join(items[items[x].parent].level, x, y, a, b, edge);
  }
  for (const group of opened) for (const line of [...group.level.edges.values()]) descend(group, line);
  for (const group of opened.reverse()) layGroup(group);
  root = items[0];
  root.x = root.y = 0;
  for (const group of opened.reverse()) settle(group);
  index = null;
}

function join(level, u, v, a, b, edge) {
  const key = `${u}>${v}`;
  let line = level.edges.get(key);
  if (!line) level.edges.set(key, line = {u, v, leaves: [], control: true, seam: false, label: "", told: new Map()});
  line.leaves.push({a, b, edge});
  line.control = line.control && edge.control;
  line.seam = line.seam || edge.seam;
  if (edge.label) line.told.set(`${edge.s} ${edge.label}`, edge.label);
  line.label = line.told.size > 1 ? `${line.told.size} tensors` : [...line.told.values()][0] || "";
}

const childOf = (at, group) => { while (at >= 0 && items[at].parent !== group) at = items[at].parent; return at; };

function descend(group, line) {
  for (const end of ["u", "v"]) {
    const box = typeof line[end] === "number" ? items[line[end]] : null;
    if (!box || !box.group || !box.open) continue;
    const inner = line.leaves.filter(leaf => (end === "u" ? leaf.a : leaf.b) !== box.at);
    if (!inner.length) continue;
    const kids = new Set(inner.map(leaf => childOf(end === "u" ? leaf.a : leaf.b, box.at)));
    const name = end === "u" ? `out${[...kids].sort().join(",")}` : `in${line.u}`;
    let port = box.level.ports.get(name);
    if (!port) box.level.ports.set(name, port = {name, side: end === "u" ? "out" : "in", w: 2, h: 0});
    line[end === "u" ? "from" : "to"] = port;
    for (const leaf of inner) {
      const kid = childOf(end === "u" ? leaf.a : leaf.b, box.at);
      if (end === "u") join(box.level, kid, `#${name}`, leaf.a, leaf.b, leaf.edge);
      else join(box.level, `#${name}`, kid, leaf.a, leaf.b, leaf.edge);
    }
  }
}

function layGroup(group) {
  const level = group.level, boxes = level.boxes.map(at => items[at]);
  for (const box of boxes) if (!box.level) sizeOf(box);
  const all = [...boxes, ...level.ports.values()];
  const number = new Map(all.map((box, at) => [box.side ? `#${box.name}` : box.at, at]));
  const lines = [...level.edges.values()].map(line => ({line, a: number.get(line.u), b: number.get(line.v)}));
  const turn = data.right;
  const sizes = all.map(box => box.side ? {across: 2, along: 0, side: box.side}
    : {across: turn ? box.h : box.w, along: turn ? box.w : box.h});
  const ways = lines.map(({line, a, b}) => ({a, b, from: line.from ? line.from.off : null, to: line.to ? line.to.off : null}));
  const found = layered(sizes, ways);
  const head = group.parent < 0 ? 0 : HEAD, pad = group.parent < 0 ? 0 : PAD;
  const place = ([across, along]) => turn ? [along + pad, across + pad + head] : [across + pad, along + pad + head];
  all.forEach((box, at) => {
    const [x, y] = place([found.x[at], found.y[at]]);
    box.rx = x; box.ry = y;
    if (box.side) box.off = turn ? y + 0 : x + 1;
  });
  group.w = (turn ? found.along : found.across) + 2 * pad;
  group.h = (turn ? found.across : found.along) + 2 * pad + head;
  if (group.parent >= 0) group.w = Math.max(group.w, (group.title.length + 8) * CW * 1.06);
  level.lines = lines.map(({line}, at) => ({...line, points: found.points[at].map(place), back: found.back[at]}));
  if (!turn) for (const line of level.lines)  // room for what is written beside its beginning
    if (typeof line.u === "number" && !line.from && line.label)
      group.w = Math.max(group.w, line.points[0][0] + 7 + line.label.length * CW * 0.93 + pad / 2);
  for (const port of level.ports.values()) {  // carried on to the frame itself
    for (const one of level.lines) {
      const name = `#${port.name}`;
      if (one.v === name) { const p = one.points.at(-1); one.points.push(turn ? [group.w, p[1]] : [p[0], group.h]); }
      if (one.u === name) { const p = one.points[0]; one.points.unshift(turn ? [0, p[1]] : [p[0], 0]); }
    }
  }
}

function settle(group) {
  const {x, y, level} = group;
  for (const at of level.boxes) { items[at].x = x + items[at].rx; items[at].y = y + items[at].ry; }
  for (const line of level.lines) {
    line.points = line.points.map(([px, py]) => [px + x, py + y]);
    let l = Infinity, t = Infinity, r = -Infinity, b = -Infinity;
    for (const [px, py] of line.points) { l = Math.min(l, px); r = Math.max(r, px); t = Math.min(t, py); b = Math.max(b, py); }
    line.box = [l - 8, t - 8, r + 8, b + 8];
    line.path = trace(line.points);
    const owners = line.leaves.map(({edge}) => [items[edge.s].owner, items[edge.t].owner]);
    const one = owners[0][0];
    line.owner = owners.every(([a, b]) => a === one && b === one) ? one : -1;
    line.head = typeof line.v === "number" && !line.to;
    line.start = typeof line.u === "number" && !line.from;
  }
}

function trace(points) {
  const path = new Path2D();
  path.moveTo(...points[0]);
  for (let i = 1; i < points.length; i++) {
    const [ax, ay] = points[i - 1], [bx, by] = points[i];
    if (data.right ? ay === by : ax === bx) path.lineTo(bx, by);
    else if (data.right) path.bezierCurveTo((ax + bx) / 2, ay, (ax + bx) / 2, by, bx, by);
    else path.bezierCurveTo(ax, (ay + by) / 2, bx, (ay + by) / 2, bx, by);
  }
  return path;
}
