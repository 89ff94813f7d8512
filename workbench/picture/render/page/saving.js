// ---- as a picture: a PNG of everything that is open, and paper
const MOST_PIXELS = 8000, MARGIN = 24;

// Paint all of it on a canvas of its own, at most MOST_PIXELS wide and high; gives the canvas.
function paintWhole(scale) {
  const kept = {pen, view, wide, high, ratio};
  const most = Math.min(scale, MOST_PIXELS / (root.w + 2 * MARGIN), MOST_PIXELS / (root.h + 2 * MARGIN));
  const paper = document.createElement("canvas");
  paper.width = Math.max(1, Math.round((root.w + 2 * MARGIN) * most));
  paper.height = Math.max(1, Math.round((root.h + 2 * MARGIN) * most));
  pen = paper.getContext("2d");
  ratio = most;
  wide = root.w + 2 * MARGIN; high = root.h + 2 * MARGIN;
  view = {x: -MARGIN, y: -MARGIN, zoom: 1};
  try { paintPicture(paper); } finally { ({pen, view, wide, high, ratio} = kept); }
  return paper;
}
function savePicture() {
  paintWhole(2).toBlob(blob => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${(data.title || "graph").replace(/[^\w.-]+/g, "_").slice(0, 80)}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say("The picture was saved as PNG");
  });
}
// On paper: light, the whole picture, the legend; what was on the screen comes back afterwards.
let before = null;
addEventListener("beforeprint", () => {
  before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  readColours();
  const chosen = selected;
  selected = -1;
  const paper = paintWhole(3);
  selected = chosen;
  paper.id = "paper";
  document.querySelector("main").append(paper);
});
addEventListener("afterprint", () => {
  $("paper")?.remove();
  document.documentElement.dataset.theme = before;
  readColours();
});
