// ---- one level: layers, order within them, places across and along
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
