// ---- values of a run: a box has its own, a closed group the largest of what is inside
const run = data.values || null;
let overlay = run !== null;
const troubled = [];  // boxes with a NaN or an infinity, in the order of the data
if (run) for (const [at, list] of run.of) {
  const item = items[at < 0 ? -1 - at : first + at];
  item.values = list.map(([address, type, least, most, mean, trouble, step, size, range, bins, head, images]) =>
    ({address: T(address), type: T(type), least, most, mean, trouble, step, size, range: T(range), bins, head: head.map(T), images}));
  const bad = item.values.find(one => one.trouble);
  if (bad) troubled.push(item.at);
  for (let p = item.at; p >= 0; p = items[p].parent) {
    const inside = items[p].inside || (items[p].inside = {step: -1, size: null, bad: 0});
    for (const {step, size} of item.values) if (size !== null && (inside.size === null || size > inside.size)) { inside.step = step; inside.size = size; }
    if (bad) inside.bad++;
  }
}
const short = number => { const text = String(Number(number.toPrecision(3))); return text.length > 8 ? number.toExponential(2) : text; };
const BAD = "✖";

// What a box shows of its values: {ground, ink, line}, or null.
function face(item) {
  if (!overlay || !item.inside) return null;
  const own = item.values;
  if (item.inside.bad) {
    const line = own && own.find(one => one.trouble) ? own.find(one => one.trouble).trouble
      : `NaN or Inf in ${item.inside.bad} box${item.inside.bad > 1 ? "es" : ""}`;
    return {ground: "not-finite", ink: "on-not-finite", line: `${BAD} ${line}`};
  }
  const line = own && !(item.group && own.length > 1) ? own[0].range : item.inside.size === null ? "" : `|value| ≤ ${short(item.inside.size)}`;
  return {ground: item.inside.step < 0 ? null : `m${item.inside.step}`, ink: "title", line};
}

function valuesInto(pane, item) {
  for (const one of item.values || []) {
    pane.append(make("h3", item.values.length > 1 ? `Value of output ${one.address.split(":").pop()}` : "Value"));
    if (one.trouble) pane.append(make("p", `${BAD} ${one.trouble}`, "bad"));
    const rows = [["size", one.type]];
    if (one.least) rows.push(["min", one.least], ["max", one.most], ["mean", one.mean]);
    rowsInto(pane, null, rows);
    if (one.images.length) pane.append(gallery(one.images));
    if (one.bins.length) pane.append(histogram(one));
    if (one.head.length) { pane.append(make("p", "First values", "caption")); pane.append(make("p", one.head.join("  "), "first")); }
  }
  if (item.group && item.inside && item.inside.bad) pane.append(make("p", `${BAD} NaN or infinities in ${item.inside.bad} of the boxes inside`, "bad"));
}

function histogram(one) {
  const figure = make("figure"), plot = make("canvas"), high = 56, wide = 256, bar = wide / one.bins.length, most = Math.max(...one.bins);
  plot.width = wide * 2; plot.height = high * 2;
  plot.className = "histogram";
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `Histogram from ${one.least} to ${one.most}: ${one.bins.join(", ")}`);
  const p = plot.getContext("2d");
  p.scale(2, 2);
  p.fillStyle = colours["k-convolution"];
  one.bins.forEach((count, i) => { const h = count ? Math.max(2, count / most * (high - 2)) : 0; p.fillRect(i * bar + 1, high - h, bar - 2, h); });
  p.fillStyle = colours.border;
  p.fillRect(0, high - 1, wide, 1);
  const ends = make("figcaption");
  ends.append(make("span", one.least), make("span", `most in a bin: ${most.toLocaleString("en")}`), make("span", one.most));
  figure.append(plot, ends);
  return figure;
}

function gallery(images) {
  const whole = make("div", undefined, images.length > 1 ? "images many" : "images");
  for (const [w, h, channels, text, caption] of images) {
    const figure = make("figure"), plot = make("canvas");
    plot.width = w; plot.height = h;
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `Tensor as a picture of ${w} by ${h} pixels${caption ? ", " + caption : ""}`);
    const raw = atob(text), pixels = new ImageData(w, h);
    for (let i = 0; i < w * h; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = raw.charCodeAt(i * channels + (channels > 1 ? c : 0));
      pixels.data[4 * i + 3] = 255;
    }
    plot.getContext("2d").putImageData(pixels, 0, 0);
    figure.append(plot);
    if (caption) figure.append(make("figcaption", caption));
    whole.append(figure);
  }
  return whole;
}
