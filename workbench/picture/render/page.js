"use strict";
(() => {
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const T = at => data.texts[at];
const FONT = 'ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace';
const LINE = 17, HEAD = 26, PAD = 18, GAP = 26, PASS = 14;

// ---- the model: groups first, then boxes; group 0 is the whole picture
const items = [];
for (const [parent, body, title, sub, third, owner, path] of data.groups)
  items.push({group: true, body: !!body, parent, title: T(title), sub: T(sub), third: T(third), owner, path: T(path),
    kids: [], open: false, depth: 0, folded: [], facts: [], attrs: [], family: body ? 5 : 8});
const first = items.length;
for (const [parent, family, title, sub, third, owner, seam, caption, path, folded, facts, attrs] of data.nodes)
  items.push({group: false, parent, family, title: T(title), sub: T(sub), third: T(third), owner, seam: !!seam,
    caption: T(caption), path: T(path), folded, facts, attrs});
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

const canvas = $("canvas"), pen = canvas.getContext("2d");
pen.font = `12px ${FONT}`;
const CW = pen.measureText("MMMMMMMMMM").width / 10 || 7.2;
const marked = data.owners.length > 0;

// ---- layout: each open group is laid out alone, layer by layer, and is then a box in what is around it
let root = null, rep = [];

function sizeOf(item) {
  const lines = [item.title || item.sub || "…", item.title && item.sub, item.third].filter(Boolean);
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

function layered(sizes, ways) {
  const n = sizes.length;
  const out = sizes.map(() => []), back = new Array(ways.length).fill(false);
  ways.forEach((way, at) => out[way.a].push(at));
  // turn round what closes a loop
  const state = new Uint8Array(n);
  for (let start = 0; start < n; start++) {
    if (state[start]) continue;
    const stack = [[start, 0]];
    state[start] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1], [v] = top;
      if (top[1] === out[v].length) { state[v] = 2; stack.pop(); continue; }
      const at = out[v][top[1]++], w = ways[at].b;
      if (state[w] === 1) back[at] = true;
      else if (!state[w]) { state[w] = 1; stack.push([w, 0]); }
    }
  }
  const ends = ways.map((way, at) => back[at] ? [way.b, way.a] : [way.a, way.b]);
  const next = sizes.map(() => []), before = sizes.map(() => []);
  ends.forEach(([a, b], at) => { next[a].push(at); before[b].push(at); });
  // layers: as early as can be, then sources down to their readers
  const hasIn = sizes.some(s => s.side === "in");
  const layer = new Int32Array(n), waits = before.map(list => list.length), order = [];
  for (let v = 0; v < n; v++) { layer[v] = hasIn && sizes[v].side !== "in" ? 1 : 0; if (!waits[v]) order.push(v); }
  for (let at = 0; at < order.length; at++) for (const e of next[order[at]]) {
    const w = ends[e][1];
    layer[w] = Math.max(layer[w], layer[order[at]] + 1);
    if (!--waits[w]) order.push(w);
  }
  for (const v of [...order].reverse())
    if (!before[v].length && next[v].length && !sizes[v].side) layer[v] = Math.min(...next[v].map(e => layer[ends[e][1]])) - 1;
  let last = 0;
  for (let v = 0; v < n; v++) if (sizes[v].side !== "out") last = Math.max(last, layer[v]);
  const hasOut = sizes.some(s => s.side === "out");
  for (let v = 0; v < n; v++) if (sizes[v].side === "out") layer[v] = last + 1;
  if (hasOut) last++;
  // vertices: boxes, then a place in each layer that a line passes; lines of one box share theirs
  const layers = Array.from({length: last + 1}, () => []);
  const vLayer = [...layer], half = sizes.map(s => s.across / 2);
  const up = sizes.map(() => []), down = sizes.map(() => []);
  const shared = new Map(), chains = [];
  const link = (u, v) => { if (!down[u].includes(v)) { down[u].push(v); up[v].push(u); } };
  ends.forEach(([a, b], at) => {
    const chain = [];
    let u = a;
    for (let l = layer[a] + 1; l < layer[b]; l++) {
      const key = back[at] ? `b${b}:${l}` : `${a}:${ways[at].from === null ? "" : ways[at].from}:${l}`;
      let v = shared.get(key);
      if (v === undefined) {
        v = vLayer.length;
        shared.set(key, v); vLayer.push(l); half.push(1); up.push([]); down.push([]);
      }
      link(u, v); chain.push(v); u = v;
    }
    link(u, b);
    chains.push(chain);
  });
  const total = vLayer.length, seen = new Uint8Array(total);
  for (const start of [...order, ...Array(n).keys()]) {  // neighbours of one walk side by side
    const stack = [start];
    while (stack.length) {
      const v = stack.pop();
      if (seen[v]) continue;
      seen[v] = 1; layers[vLayer[v]].push(v);
      for (let i = down[v].length - 1; i >= 0; i--) stack.push(down[v][i]);
    }
  }
  const pos = new Float64Array(total);
  const number = () => layers.forEach(row => row.forEach((v, at) => { pos[v] = at; }));
  number();
  let best = layers.map(row => [...row]), least = crossings(layers, down, pos);
  const rounds = total > 6000 ? 6 : 16;
  for (let round = 0; round < rounds && least > 0; round++) {
    const downward = round % 2 === 0, near = downward ? up : down;
    for (let i = 0; i <= last; i++) {
      const row = layers[downward ? i : last - i];
      const want = new Map(row.map(v => [v, near[v].length ? near[v].reduce((sum, u) => sum + pos[u], 0) / near[v].length : pos[v]]));
      row.sort((a, b) => want.get(a) - want.get(b) || pos[a] - pos[b]);
      row.forEach((v, at) => { pos[v] = at; });
    }
    const now = crossings(layers, down, pos);
    if (now < least) { least = now; best = layers.map(row => [...row]); }
  }
  best.forEach((row, l) => { layers[l] = row; });
  number();
  // across: each row as near to what its neighbours want as the room allows
  const x = new Float64Array(total);
  const gap = (u, v) => half[u] + half[v] + (u < n && v < n ? GAP : PASS);
  for (const row of layers) row.forEach((v, at) => { x[v] = at ? x[row[at - 1]] + gap(row[at - 1], v) : 0; });
  const offset = new Map();  // where a line meets an open box, from its middle
  ways.forEach((way, at) => {
    if (way.from !== null) offset.set(`${way.a}>${chains[at].length ? chains[at][back[at] ? chains[at].length - 1 : 0] : way.b}`, way.from - half[way.a]);
    if (way.to !== null) offset.set(`${way.b}<${chains[at].length ? chains[at][back[at] ? 0 : chains[at].length - 1] : way.a}`, way.to - half[way.b]);
  });
  const meets = (v, u) => (offset.get(`${v}>${u}`) ?? offset.get(`${v}<${u}`) ?? 0);
  const wish = (v, list) => list.reduce((sum, u) => sum + x[u] + meets(u, v) - meets(v, u), 0) / list.length;
  const sweeps = total > 6000 ? 6 : 14;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const downward = sweep % 2 === 0;
    for (let i = 0; i <= last; i++) {
      const row = layers[downward ? i : last - i];
      const want = row.map(v => {
        const list = sweep >= sweeps - 2 ? [...up[v], ...down[v]] : downward ? up[v] : down[v];
        return list.length ? wish(v, list) : x[v];
      });
      fit(row, want, row.map(v => v >= n ? 6 : up[v].length + down[v].length ? 1 : 0.1), gap, x);
    }
  }
  let left = Infinity, right = -Infinity;
  for (let v = 0; v < total; v++) { left = Math.min(left, x[v] - half[v]); right = Math.max(right, x[v] + half[v]); }
  if (!total) left = right = 0;
  for (let v = 0; v < total; v++) x[v] -= left;
  // along
  const top = [], tall = [];
  let y = 0;
  layers.forEach((row, l) => {
    tall[l] = Math.max(0, ...row.map(v => v < n ? sizes[v].along : 0));
    top[l] = y;
    const lines = row.reduce((sum, v) => sum + down[v].length, 0);
    y += tall[l] + (l === last ? 0 : tall[l] === 0 ? 24 : Math.min(90, 40 + lines));
  });
  const at = v => top[vLayer[v]] + (tall[vLayer[v]] - sizes[v].along) / 2;
  const points = [];
  const inOf = sizes.map(() => new Map());
  for (let v = 0; v < n; v++) {
    const list = [...up[v]].sort((a, b) => x[a] - x[b]);
    const step = Math.min(18, 2 * half[v] / (list.length + 1));
    list.forEach((u, i) => inOf[v].set(u, (i - (list.length - 1) / 2) * step));
  }
  ends.forEach(([a, b], e) => {
    const chain = chains[e], way = ways[e];
    const start = back[e] ? way.to : way.from, stop = back[e] ? way.from : way.to;
    const line = [[x[a] + (start === null ? 0 : start - half[a]), at(a) + sizes[a].along]];
    for (const v of chain) line.push([x[v], top[vLayer[v]]], [x[v], top[vLayer[v]] + tall[vLayer[v]]]);
    const entry = inOf[b].get(chain.length ? chain[chain.length - 1] : a) || 0;
    line.push([x[b] + (stop === null ? entry : stop - half[b]), at(b)]);
    points.push(back[e] ? line.reverse() : line);
  });
  return {x: sizes.map((s, v) => x[v] - half[v]), y: sizes.map((s, v) => at(v)), points, back, across: right - left, along: y};
}

function crossings(layers, down, pos) {
  let sum = 0;
  for (let l = 0; l + 1 < layers.length; l++) {
    const size = layers[l + 1].length, tree = new Int32Array(size + 1);
    let count = 0;
    for (const v of layers[l]) {
      const list = down[v].map(u => pos[u]).sort((a, b) => a - b);
      for (const p of list) { let less = 0; for (let i = p + 1; i > 0; i -= i & -i) less += tree[i]; sum += count - less; }
      for (const p of list) { count++; for (let i = p + 1; i <= size; i += i & -i) tree[i]++; }
    }
  }
  return sum;
}

function fit(row, want, weight, gap, x) {  // least squares in order: pool adjacent violators
  const blocks = [];
  let shift = 0;
  const shifts = row.map((v, at) => (shift += at ? gap(row[at - 1], v) : 0));
  row.forEach((v, at) => {
    let block = {sum: (want[at] - shifts[at]) * weight[at], weight: weight[at], count: 1};
    while (blocks.length && blocks.at(-1).sum / blocks.at(-1).weight > block.sum / block.weight) {
      const before = blocks.pop();
      block = {sum: before.sum + block.sum, weight: before.weight + block.weight, count: before.count + block.count};
    }
    blocks.push(block);
  });
  let at = 0;
  for (const block of blocks) for (let i = 0; i < block.count; i++, at++) x[row[at]] = block.sum / block.weight + shifts[at];
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

// ---- drawing: only what is in sight
let view = {x: 0, y: 0, zoom: 1}, colours = {}, wide = 0, high = 0, ratio = 1, waiting = false;
const FAR = 0.06;
let selected = -1, found = new Set(), index = null, drawn = 0;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["bg-paper", "bg-box", "bg-scope", "bg-end", "bg-frame", "title", "sub", "detail", "label", "border", "edge", "control",
    "frame-line", "o0", "o1", "o2", "oa", "seam", "selected", ...data.families.map(([name]) => `k-${name.replace(" ", "-")}`)];
  colours = Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
  index = null;
  redraw();
}

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}

function resize() {
  ratio = window.devicePixelRatio || 1;
  wide = canvas.clientWidth; high = canvas.clientHeight;
  canvas.width = Math.round(wide * ratio); canvas.height = Math.round(high * ratio);
  redraw();
}

function paint() {
  const {zoom} = view;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = colours["bg-paper"];
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio * zoom, 0, 0, ratio * zoom, -view.x * ratio * zoom, -view.y * ratio * zoom);
  drawn = 0;
  const sight = [view.x, view.y, view.x + wide / zoom, view.y + high / zoom];
  if (zoom < FAR) paintFar(sight); else paintGroup(items[0], sight);
  if (selected >= 0) ring(items[rep[selected]]);
  paintOverview(sight);
}

const inSight = (x, y, w, h, s) => x < s[2] && y < s[3] && x + w > s[0] && y + h > s[1];
const border = item => item.seam && !item.level ? colours.seam : marked && item.owner >= 0 ? colours[data.owners[item.owner][2]] : colours.border;

function paintGroup(group, sight) {
  const {zoom} = view;
  if (group.parent >= 0) {
    pen.fillStyle = colours["bg-frame"];
    pen.strokeStyle = marked && group.owner >= 0 ? colours[data.owners[group.owner][2]] : colours["frame-line"];
    pen.lineWidth = Math.max(1, 1 / zoom);
    pen.setLineDash([6, 4]);
    round(group.x, group.y, group.w, group.h, 8);
    pen.fill(); pen.stroke();
    pen.setLineDash([]);
    if (group.w * zoom < 5 && group.h * zoom < 5) return;
  }
  const lines = group.level.lines, plain = new Map();
  for (const line of lines) {
    const [l, t, r, b] = line.box;
    if (!inSight(l, t, r - l, b - t, sight)) continue;
    const key = line.seam ? "seam" : line.control ? "control" : marked && line.owner >= 0 ? data.owners[line.owner][2] : "edge";
    if (!plain.has(key)) plain.set(key, []);
    plain.get(key).push(line);
  }
  const chosen = selected >= 0 ? rep[selected] : -2;
  for (const [key, list] of plain) {
    pen.strokeStyle = pen.fillStyle = colours[key];
    pen.lineWidth = Math.max(key === "seam" ? 3 : 1.4, (key === "seam" ? 1.6 : 0.7) / zoom);
    pen.setLineDash(key === "control" ? [4, 3] : []);
    if (zoom < 0.3 && list.length > 50) {
      const path = new Path2D();
      for (const line of list) { path.moveTo(...line.points[0]); for (const p of line.points) path.lineTo(...p); }
      pen.stroke(path);
    } else for (const line of list) pen.stroke(line.path);
    pen.setLineDash([]);
  }
  for (const line of lines) if (line.u === chosen || line.v === chosen || touches(line, chosen)) {
    pen.strokeStyle = colours.selected;
    pen.lineWidth = Math.max(2.2, 1.4 / zoom);
    pen.stroke(line.path);
  }
  if (group.parent >= 0 && zoom > 0.25) {  // over the lines that come in
    pen.font = `600 12px ${FONT}`;
    pen.fillStyle = colours.title; pen.strokeStyle = colours["bg-frame"]; pen.lineWidth = 5;
    for (const [text, x] of [["−", 10], [group.title, 26]]) {
      pen.strokeText(text, group.x + x, group.y + 18);
      pen.fillText(text, group.x + x, group.y + 18);
    }
  }
  for (const at of group.level.boxes) {
    const box = items[at];
    if (!inSight(box.x - 6, box.y - 10, box.w + 12, box.h + 20, sight)) continue;
    drawn++;
    if (box.level) paintGroup(box, sight);
    else paintBox(box);
  }
  if (zoom > 0.2) for (const [key, list] of plain) {  // over the boxes: a caption must not hide one
    pen.fillStyle = colours[key];
    for (const line of list) if (line.head) arrow(line, key === "seam" ? 6 : 4.5);
  }
  if (zoom > 0.55) {
    const said = new Set();
    pen.font = `11px ${FONT}`;
    pen.lineWidth = 4; pen.strokeStyle = group.parent < 0 ? colours["bg-paper"] : colours["bg-frame"]; pen.fillStyle = colours.label;
    for (const line of lines) {
      const [x, y] = line.points[0], name = `${line.u}`;
      if (!line.start || !line.label || said.has(name) || !inSight(x, y, 200, 20, sight)) continue;
      said.add(name);
      const wx = data.right ? x + 6 : x + 7, wy = data.right ? y - 6 : y + (items[line.u].group ? 18 : 14);
      pen.strokeText(line.label, wx, wy); pen.fillText(line.label, wx, wy);
    }
  }
}

function paintFar(sight) {  // boxes of a few pixels: one that falls on the last one is left out
  const {zoom} = view, dot = 1 / zoom, todo = [0];
  pen.lineWidth = dot;
  let last = null;
  while (todo.length) {
    const box = items[todo.pop()];
    if (!inSight(box.x, box.y, box.w, box.h, sight)) continue;
    if (box.level && Math.max(box.w, box.h) > 3 * dot) {
      if (box.parent >= 0 && Math.min(box.w, box.h) > 4 * dot) {
        pen.strokeStyle = border(box);
        pen.strokeRect(box.x, box.y, box.w, box.h);
      }
      const path = new Path2D();
      for (const {box: [l, t, r, b], points} of box.level.lines) {
        if (Math.max(r - l, b - t) < 24 + 2 * dot || !inSight(l, t, r - l, b - t, sight)) continue;
        path.moveTo(...points[0]);
        path.lineTo(...points.at(-1));
      }
      pen.strokeStyle = colours.edge;
      pen.stroke(path);
      todo.push(...box.level.boxes);
      continue;
    }
    if (last && Math.abs(box.x - last.x) < dot && Math.abs(box.y - last.y) < dot) continue;
    last = box;
    drawn++;
    pen.fillStyle = box.seam ? colours.seam : colours[`k-${data.families[box.family][0].replace(" ", "-")}`];
    pen.fillRect(box.x, box.y, Math.max(box.w, dot), Math.max(box.h, dot));
  }
}

const touches = (line, at) => at >= 0 && line.leaves.some(leaf => leaf.a === at || leaf.b === at);

function arrow(line, size) {
  const points = line.points, [x, y] = points.at(-1), [fx, fy] = points.at(-2);
  const dx = data.right ? Math.sign(x - fx) || 1 : 0, dy = data.right ? 0 : Math.sign(y - fy) || 1;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x - dx * 9 - dy * size, y - dy * 9 - dx * size);
  pen.lineTo(x - dx * 9 + dy * size, y - dy * 9 + dx * size);
  pen.fill();
}

function round(x, y, w, h, r) { pen.beginPath(); pen.roundRect(x, y, w, h, r); }

function paintBox(box) {
  const {zoom} = view, family = data.families[box.family];
  const end = box.family === 0;
  const kind = colours[`k-${family[0].replace(" ", "-")}`];
  pen.fillStyle = box.group ? colours["bg-scope"] : end ? colours["bg-end"] : colours["bg-box"];
  if (found.has(box.at)) pen.fillStyle = colours["bg-scope"];
  pen.strokeStyle = border(box);
  pen.lineWidth = Math.max(box.seam ? 2.6 : 1.4, (box.seam ? 1.4 : 0.6) / zoom);
  if (zoom < 0.2) {
    pen.fillRect(box.x, box.y, box.w, box.h);
    pen.strokeRect(box.x, box.y, box.w, box.h);
    pen.fillStyle = kind;
    pen.fillRect(box.x, box.y, Math.min(box.w, 10), box.h);
    return;
  }
  if (box.group) { round(box.x + 4, box.y + 4, box.w, box.h, 7); pen.fill(); pen.stroke(); }
  round(box.x, box.y, box.w, box.h, end ? Math.min(18, box.h / 2) : 7);
  pen.fill(); pen.stroke();
  pen.fillStyle = kind;
  pen.beginPath();
  if (end) pen.rect(box.x + 10, box.y + 4, 3, box.h - 8); else pen.roundRect(box.x + 2, box.y + 3, 4, box.h - 6, 2);
  pen.fill();
  if (zoom < 0.3) return;
  let x = box.x + (end ? 18 : 12);
  const y = box.y + 19;
  if (!(box.group && !box.body)) {
    pen.font = `700 13px ${FONT}`;
    pen.fillText(family[1], x, y);
    x += 2 * CW;
  }
  if (marked && box.owner >= 0) {
    const owner = data.owners[box.owner];
    pen.fillStyle = colours[owner[2]];
    pen.font = `12px ${FONT}`;
    pen.fillText(owner[1], x, y);
    x += 2 * CW;
  }
  pen.fillStyle = colours.title;
  pen.font = `600 12px ${FONT}`;
  pen.fillText(box.lines[0], x, y);
  if (box.group) pen.fillText("+", box.x + box.w - 16, y);
  pen.font = `12px ${FONT}`;
  for (let i = 1; i < box.lines.length; i++) {
    pen.fillStyle = box.lines[i] === box.third && i === box.lines.length - 1 && box.third ? colours.detail : colours.sub;
    pen.fillText(box.lines[i], box.x + (end ? 18 : 12), y + i * LINE);
  }
  const word = box.seam && !box.caption ? "boundary" : box.caption;
  if (word) {
    pen.font = `10px ${FONT}`;
    const across = word.length * CW * 0.84 + 8;
    pen.fillStyle = colours["bg-paper"];
    pen.fillRect(box.x + 16, box.y - 6, across, 12);
    pen.fillStyle = box.seam ? colours.seam : colours.sub;
    pen.fillText(word, box.x + 20, box.y + 4);
  }
}

function ring(box) {
  pen.strokeStyle = colours.selected;
  pen.lineWidth = Math.max(3, 2.5 / view.zoom);
  const off = 5;
  round(box.x - off, box.y - off, box.w + 2 * off, box.h + 2 * off, 10);
  pen.stroke();
}

// ---- the overview in the corner
const small = $("overview"), smallPen = small.getContext("2d");
function paintOverview(sight) {
  const much = root.w * view.zoom > wide * 1.05 || root.h * view.zoom > high * 1.05;
  small.hidden = !much;
  if (!much) return;
  const scale = Math.min(180 / root.w, 140 / root.h), w = Math.max(24, root.w * scale), h = Math.max(24, root.h * scale);
  if (!index) {
    small.width = w * ratio; small.height = h * ratio;
    small.style.width = `${w}px`; small.style.height = `${h}px`;
    index = document.createElement("canvas");
    index.width = small.width; index.height = small.height;
    const p = index.getContext("2d");
    p.scale(scale * ratio, scale * ratio);
    const todo = [0];
    while (todo.length) {
      const box = items[todo.pop()];
      if (box.level) {
        p.strokeStyle = colours["frame-line"]; p.lineWidth = 0.7 / scale;
        if (box.parent >= 0) p.strokeRect(box.x, box.y, box.w, box.h);
        todo.push(...box.level.boxes);
      } else {
        p.fillStyle = colours[`k-${data.families[box.family][0].replace(" ", "-")}`];
        p.fillRect(box.x, box.y, Math.max(box.w, 1.5 / scale), Math.max(box.h, 1 / scale));
      }
    }
  }
  smallPen.setTransform(1, 0, 0, 1, 0, 0);
  smallPen.fillStyle = colours["bg-paper"];
  smallPen.fillRect(0, 0, small.width, small.height);
  smallPen.drawImage(index, 0, 0);
  smallPen.strokeStyle = colours.selected; smallPen.lineWidth = 1.5 * ratio;
  const k = scale * ratio;
  smallPen.strokeRect(sight[0] * k, sight[1] * k, (sight[2] - sight[0]) * k, (sight[3] - sight[1]) * k);
}
function jump(event) {
  const rect = small.getBoundingClientRect(), scale = 1 / Math.min(180 / root.w, 140 / root.h);
  view.x = (event.clientX - rect.left) * scale - wide / view.zoom / 2;
  view.y = (event.clientY - rect.top) * scale - high / view.zoom / 2;
  redraw();
}
small.addEventListener("pointerdown", event => { small.setPointerCapture(event.pointerId); jump(event); });
small.addEventListener("pointermove", event => { if (event.buttons) jump(event); });

// ---- moving
const clamp = zoom => Math.min(4, Math.max(0.0005, zoom));
function zoomAt(factor, px = wide / 2, py = high / 2) {
  const zoom = clamp(view.zoom * factor);
  view.x += px / view.zoom - px / zoom;
  view.y += py / view.zoom - py / zoom;
  view.zoom = zoom;
  redraw();
}
function fitAll() {
  const zoom = Math.min(1.25, clamp(Math.min((wide - 48) / root.w, (high - 48) / root.h)));
  view = {zoom, x: root.w / 2 - wide / zoom / 2, y: root.h / 2 - high / zoom / 2};
  redraw();
}
function start() {  // all of it if it can be read so, else its beginning
  fitAll();
  const least = 0.85;
  if (view.zoom >= least) return;
  view.zoom = least;
  view.x = root.w * least < wide - 48 || !data.right ? beginning().x - wide / least / 2 : -24 / least;
  view.y = data.right ? beginning().y - high / least / 2 : -24 / least;
  redraw();
}
function beginning() {
  const list = items[0].level.boxes.map(at => items[at]);
  const key = data.right ? "x" : "y";
  const box = list.reduce((a, b) => b[key] < a[key] ? b : a, list[0]) || root;
  return {x: box.x + box.w / 2, y: box.y + box.h / 2};
}
function centre(box, least = 0.7) {
  const room = $("detail").hidden ? 0 : $("detail").offsetWidth;
  if (view.zoom < least) view.zoom = least;
  view.x = box.x + box.w / 2 - (wide - room) / view.zoom / 2;
  view.y = box.y + Math.min(box.h / 2, high / view.zoom / 3) - high / view.zoom / 2;
  redraw();
}
function intoSight(box) {
  const s = [view.x, view.y, view.x + wide / view.zoom, view.y + high / view.zoom];
  if (box.x < s[0] || box.y < s[1] || box.x + Math.min(box.w, 200) > s[2] || box.y + Math.min(box.h, 60) > s[3]) centre(box, 0);
}

function hit(px, py) {
  const x = view.x + px / view.zoom, y = view.y + py / view.zoom;
  let here = items[0], found = -1;
  for (;;) {
    const next = here.level && here.level.boxes.find(at => {
      const box = items[at];
      return x >= box.x && y >= box.y && x <= box.x + box.w && y <= box.y + box.h;
    });
    if (next === undefined || next === null) return {at: found, x, y};
    found = next;
    here = items[next];
  }
}

const touchesNow = new Map();
let moved = 0, pinch = 0;
canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId);
  touchesNow.set(event.pointerId, [event.offsetX, event.offsetY]);
  if (touchesNow.size === 1) moved = 0;
  pinch = 0;
  canvas.classList.add("held");
});
canvas.addEventListener("pointermove", event => {
  const was = touchesNow.get(event.pointerId);
  if (!was) return;
  const now = [event.offsetX, event.offsetY];
  touchesNow.set(event.pointerId, now);
  moved += Math.abs(now[0] - was[0]) + Math.abs(now[1] - was[1]);
  if (touchesNow.size === 1) {
    view.x -= (now[0] - was[0]) / view.zoom; view.y -= (now[1] - was[1]) / view.zoom;
    redraw();
  } else {
    const [a, b] = [...touchesNow.values()], apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
    if (pinch) zoomAt(apart / pinch, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
    pinch = apart;
  }
});
for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, event => {
  const was = touchesNow.delete(event.pointerId);
  pinch = 0;
  if (!touchesNow.size) canvas.classList.remove("held");
  if (name === "pointerup" && was && moved < 5) click(event);
});
function click(event) {
  const {at, x, y} = hit(event.offsetX, event.offsetY);
  if (at < 0) return select(-1);
  const box = items[at];
  const sign = box.group && (box.level ? y < box.y + HEAD && x < box.x + 24 : y < box.y + HEAD && x > box.x + box.w - 24);
  if (sign || (event.detail === 2 || again(at)) && box.group) return toggle(at);
  select(at);
}
let lastClick = [-1, 0];
function again(at) {
  const now = performance.now(), yes = lastClick[0] === at && now - lastClick[1] < 400;
  lastClick = yes ? [-1, 0] : [at, now];
  return yes;
}
canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 16 : 1;
  if (event.shiftKey) { view.x += (event.deltaY || event.deltaX) * unit / view.zoom; redraw(); }
  else zoomAt(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), event.offsetX, event.offsetY);
}, {passive: false});

// ---- opening and closing
function toggle(at) {
  const box = items[at];
  if (!box.group || at === 0) return;
  const was = [box.x, box.y];
  box.open = !box.open;
  arrange();
  view.x += box.x - was[0]; view.y += box.y - was[1];
  select(at, false);
  intoSight(box);
  say(`${box.title} ${box.open ? "opened" : "closed"}`);
}
function reveal(at) {
  let more = false;
  for (let p = items[at].parent; p > 0; p = items[p].parent) if (!items[p].open) { items[p].open = true; more = true; }
  if (more) arrange();
}
function all(open) {
  for (const item of items) if (item.group) item.open = open || item.at === 0;
  arrange();
  if (selected >= 0) select(rep[selected], false);
  fitAll();
  say(open ? "All boxes are open" : "All boxes are closed");
}

// ---- selecting, details
const say = text => { $("said").textContent = text; };
const make = (tag, text, cls) => { const one = document.createElement(tag); if (text !== undefined) one.textContent = text; if (cls) one.className = cls; return one; };
function rowsInto(parent, title, rows) {
  if (!rows.length) return;
  parent.append(make("h3", title));
  const list = make("dl");
  for (const [label, text] of rows) { list.append(make("dt", label)); const dd = make("dd"); dd.append(text); list.append(dd); }
  parent.append(list);
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
  const attrs = pairs(item.attrs);
  rowsInto(pane, "Shapes", attrs.filter(([name]) => name.startsWith("output ")));
  rowsInto(pane, "Attributes", attrs.filter(([name]) => !name.startsWith("output ")));
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
  if (hits.hidden) return;
  results.slice(0, 100).forEach((at, i) => {
    const row = make("li", `${items[at].title}  ${items[at].sub}`, i === on ? "on" : "");
    row.append(make("small", items[at].path));
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
    [...hits.children].forEach((row, i) => row.classList.toggle("on", i === on && i < most));
    hits.children[on]?.scrollIntoView({block: "nearest"});
  }
});
field.addEventListener("blur", () => { hits.hidden = true; });
field.addEventListener("focus", () => { if (field.value.trim()) listHits(); });

// ---- keys
const KEYS = [["Arrow keys", "the next box that way"], ["Enter, Space", "open or close the selected box"], ["Backspace", "close the box around it"],
  ["Shift + arrows", "move the picture"], ["+ − wheel pinch", "zoom"], ["f", "show everything"], ["c", "centre the selected box"], ["/", "search"], ["n, N", "next or previous result"],
  ["]  [", "open or close all boxes"], ["t", "light or dark"], ["Esc", "close what is open"], ["?", "these keys"]];
const keysPane = $("keys");
keysPane.append(make("h2", "Keys"));
rowsInto(keysPane, "", KEYS);
if (data.notes.length) { keysPane.append(make("h3", "About this picture")); for (const note of data.notes) keysPane.append(make("p", note)); }

function step(dx, dy) {
  const boxes = [];
  const todo = [0];
  while (todo.length) for (const at of items[todo.pop()].level.boxes) { boxes.push(at); if (items[at].level) todo.push(at); }
  if (!boxes.length) return;
  const here = selected >= 0 ? items[rep[selected]] : null;
  const mid = box => [box.x + box.w / 2, box.y + (box.level ? HEAD / 2 : box.h / 2)];
  const [x, y] = here ? mid(here) : [view.x + wide / view.zoom / 2, view.y + high / view.zoom / 2];
  let best = -1, least = Infinity;
  for (const at of boxes) {
    if (here && at === here.at) continue;
    const [bx, by] = mid(items[at]);
    const along = (bx - x) * dx + (by - y) * dy, off = Math.abs((bx - x) * dy) + Math.abs((by - y) * dx);
    const cost = here ? along + 2.5 * off : Math.hypot(bx - x, by - y);
    if (here && along <= 1) continue;
    if (cost < least) { least = cost; best = at; }
  }
  if (best < 0) return;
  select(best);
  intoSight(items[best]);
}
function cycle(by) {
  if (!results.length) return;
  on = (on + by + results.length) % results.length;
  pick(on);
}
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target, free = on === canvas || on === document.body || on.tagName === "A";
  const key = event.key;
  if (key === "Escape") { if (!keysPane.hidden) keysPane.hidden = true; else select(-1); canvas.focus(); }
  else if (key === "/") { field.focus(); field.select(); }
  else if (key === "?") keysPane.hidden = !keysPane.hidden;
  else if (key === "+" || key === "=") zoomAt(1.25);
  else if (key === "-" || key === "_") zoomAt(0.8);
  else if (key === "f" || key === "0") fitAll();
  else if (key === "t") switchTheme();
  else if (key === "c") { if (selected >= 0) centre(items[rep[selected]]); }
  else if (key === "n") cycle(1);
  else if (key === "N") cycle(-1);
  else if (key === "]") all(true);
  else if (key === "[") all(false);
  else if (free && ARROWS[key]) {
    const [dx, dy] = ARROWS[key];
    if (event.shiftKey) { view.x += dx * 80 / view.zoom; view.y += dy * 80 / view.zoom; redraw(); } else step(dx, dy);
  } else if (free && (key === "Enter" || key === " ") && selected >= 0) toggle(selected);
  else if (free && key === "Backspace" && selected >= 0) {
    const around = items[selected].parent;
    if (around > 0) toggle(around);
  } else return;
  event.preventDefault();
});

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
})();
