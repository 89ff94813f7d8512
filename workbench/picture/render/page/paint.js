// ---- drawing: only what is in sight
let view = {x: 0, y: 0, zoom: 1}, colours = {}, wide = 0, high = 0, ratio = 1, waiting = false;
const FAR = 0.06;
let selected = -1, found = new Set(), index = null, drawn = 0;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["bg-paper", "bg-box", "bg-scope", "bg-end", "bg-frame", "title", "sub", "detail", "label", "border", "edge", "control",
    "frame-line", "o0", "o1", "o2", "oa", "seam", "selected", "not-finite", "on-not-finite", "m0", "m1", "m2", "m3", "m4", "m5", "m6", ...data.families.map(([name]) => `k-${name.replace(" ", "-")}`)];
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

function paint() { paintOverview(paintPicture(canvas)); }

// Paint what is in sight on a canvas that `pen` draws on; gives what is in sight.
function paintPicture(paper) {
  const {zoom} = view;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = colours["bg-paper"];
  pen.fillRect(0, 0, paper.width, paper.height);
  pen.setTransform(ratio * zoom, 0, 0, ratio * zoom, -view.x * ratio * zoom, -view.y * ratio * zoom);
  drawn = 0;
  const sight = [view.x, view.y, view.x + wide / zoom, view.y + high / zoom];
  if (zoom < FAR) paintFar(sight); else paintGroup(items[0], sight);
  if (selected >= 0) ring(items[rep[selected]]);
  return sight;
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
  const seen = [];
  for (const at of group.level.boxes) {
    const box = items[at];
    if (!inSight(box.x - 6, box.y - 10, box.w + 12, box.h + 20, sight)) continue;
    drawn++;
    seen.push(box);
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
      const wx = data.right ? x + 6 : x + 7, wy = data.right || line.back ? y - 6 : y + (items[line.u].group ? 22 : 18);
      const across = line.label.length * CW * 0.92;
      if (seen.some(box => wx < box.x + box.w && box.x < wx + across && wy - 9 < box.y + box.h && box.y < wy + 2)) continue;
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
    const value = face(box);
    pen.fillStyle = value && value.ground ? colours[value.ground] : box.seam ? colours.seam : colours[`k-${data.families[box.family][0].replace(" ", "-")}`];
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
  const value = face(box), ink = role => value && value.ground ? colours[value.ink] : colours[role];
  pen.fillStyle = box.group ? colours["bg-scope"] : end ? colours["bg-end"] : colours["bg-box"];
  if (found.has(box.at)) pen.fillStyle = colours["bg-scope"];
  if (value && value.ground) pen.fillStyle = colours[value.ground];
  pen.strokeStyle = border(box);
  pen.lineWidth = Math.max(box.seam ? 2.6 : 1.4, (box.seam ? 1.4 : 0.6) / zoom);
  if (zoom < 0.2) {
    pen.fillRect(box.x, box.y, box.w, box.h);
    pen.strokeRect(box.x, box.y, box.w, box.h);
    if (value && value.ground) return;
    pen.fillStyle = kind;
    pen.fillRect(box.x, box.y, Math.min(box.w, 10), box.h);
    return;
  }
  if (box.group) { round(box.x + 4, box.y + 4, box.w, box.h, 7); pen.fill(); pen.stroke(); }
  round(box.x, box.y, box.w, box.h, end ? Math.min(18, box.h / 2) : 7);
  pen.fill(); pen.stroke();
  if (value && value.ground) {  // the stripe and its colour stand on the ground that they were chosen for
    pen.fillStyle = colours["bg-box"];
    pen.beginPath();
    if (end) pen.rect(box.x + 9, box.y + 3, 5, box.h - 6); else pen.roundRect(box.x + 1, box.y + 2, 6, box.h - 4, 3);
    pen.fill();
  }
  pen.fillStyle = kind;
  pen.beginPath();
  if (end) pen.rect(box.x + 10, box.y + 4, 3, box.h - 8); else pen.roundRect(box.x + 2, box.y + 3, 4, box.h - 6, 2);
  pen.fill();
  if (zoom < 0.3) return;
  let x = box.x + (end ? 18 : 12);
  const y = box.y + 19;
  if (!(box.group && !box.body)) {
    pen.font = `700 13px ${FONT}`;
    if (value && value.ground) pen.fillStyle = ink("title");
    pen.fillText(family[1], x, y);
    x += 2 * CW;
  }
  if (marked && box.owner >= 0) {
    const owner = data.owners[box.owner];
    pen.fillStyle = ink(owner[2]);
    pen.font = `12px ${FONT}`;
    pen.fillText(owner[1], x, y);
    x += 2 * CW;
  }
  pen.fillStyle = ink("title");
  pen.font = `600 12px ${FONT}`;
  pen.fillText(box.lines[0], x, y);
  if (box.group) pen.fillText("+", box.x + box.w - 16, y);
  pen.font = `12px ${FONT}`;
  for (let i = 1; i < box.lines.length; i++) {
    pen.fillStyle = ink(i >= box.said ? "title" : box.third && i === box.said - 1 ? "detail" : "sub");
    if (i >= box.said) pen.font = `600 12px ${FONT}`;
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
