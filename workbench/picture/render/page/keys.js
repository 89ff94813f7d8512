// ---- keys
const KEYS = [["Arrow keys", "the next box that way"], ["Enter, Space", "open or close the selected box"], ["Backspace", "close the box around it"],
  ["Shift + arrows", "move the picture"], ["+ − wheel pinch", "zoom"], ["f", "show everything"], ["c", "centre the selected box"], ["/", "search"], ["n, N", "next or previous result"],
  ["]  [", "open or close all boxes"], ["t", "light or dark"], ["s", "save all that is open as a PNG"], ...(run ? [["v", "values on or off"], ["x", "next box with a NaN or infinity"]] : []), ["Esc", "close what is open"], ["?", "these keys"]];
const MOUSE = [["drag", "move the picture"], ["wheel", "zoom; with Shift move sideways"], ["click", "select a box"], ["double click, click on + or −", "open or close a box"]];
const keysPane = $("keys");
function fillHelp() {
  const shut = make("button", "×", "x");
  shut.title = "Close (Esc)";
  shut.addEventListener("click", hideHelp);
  const title = make("h2", "Keys");
  title.id = "keys-title";
  keysPane.append(shut, title);
  rowsInto(keysPane, "", KEYS);
  rowsInto(keysPane, "Mouse", MOUSE);
  rowsInto(keysPane, "Signs", [...data.families.filter((one, at) => used.has(at)).map(([name, sign]) => [sign, name]),
    ["+  −", "more inside: open, close"], ["┄┄", "order only, no data (a dashed line)"]]);
  const notes = [...data.notes, ...(run ? [`The values are those of one run of the signature ${run.signature}. A colour is for the largest absolute value of a tensor, on a logarithmic scale.`, ...run.notes] : [])];
  if (notes.length) { keysPane.append(make("h3", "About this picture")); for (const note of notes) keysPane.append(make("p", note)); }
}
function showHelp() { keysPane.hidden = false; keysPane.focus(); }
function hideHelp() { keysPane.hidden = true; canvas.focus(); }

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
function switchValues() {
  overlay = !overlay;
  $("values").setAttribute("aria-pressed", String(overlay));
  listLegend();
  arrange();
  redraw();
  say(overlay ? "Values are shown" : "Values are hidden");
}
function nextTroubled() {
  if (!troubled.length) return say("No NaN and no infinity");
  const at = troubled.find(at => at > selected) ?? troubled[0];
  reveal(at);
  select(at);
  centre(items[rep[at]]);
  canvas.focus();
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
  if (key === "Escape") { if (!keysPane.hidden) return hideHelp(); select(-1); canvas.focus(); }
  else if (key === "/") { field.focus(); field.select(); }
  else if (key === "?") { if (keysPane.hidden) showHelp(); else hideHelp(); }
  else if (key === "s") savePicture();
  else if (key === "+" || key === "=") zoomAt(1.25);
  else if (key === "-" || key === "_") zoomAt(0.8);
  else if (key === "f" || key === "0") fitAll();
  else if (key === "t") switchTheme();
  else if (key === "v" && run) switchValues();
  else if (key === "x" && run) nextTroubled();
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
