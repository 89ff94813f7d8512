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
