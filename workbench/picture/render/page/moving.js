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
  const pane = $("detail"), below = pane.offsetWidth > wide * 0.9;  // on a narrow screen it lies below
  const across = pane.hidden || below ? wide : wide - pane.offsetWidth;
  const along = pane.hidden || !below ? high : high - pane.offsetHeight;
  if (view.zoom < least) view.zoom = least;
  view.x = box.x + box.w / 2 - across / view.zoom / 2;
  view.y = box.y + Math.min(box.h / 2, along / view.zoom / 3) - along / view.zoom / 2;
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
