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
        const value = face(box);
        p.fillStyle = value && value.ground ? colours[value.ground] : colours[`k-${data.families[box.family][0].replace(" ", "-")}`];
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
