// The page of `galaxtool label`.

import { ask, askAbout, order, pictureOf } from "/files/api.js";
import { fillSelect, find, make } from "/files/dom.js";

const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#b59b00", "#7f7f7f"];
const OTHER = "#8a929c"; // of what is not wanted
const PICTURE = 320;

const page = { about: null, number: 0, objects: [], at: 0, waiting: Promise.resolve() };

const isMain = () => page.about.kind === "wanted";
const colorOf = (label) => {
  const k = page.about.classes.indexOf(label);
  if (isMain()) return k ? OTHER : COLORS[0];
  if (page.about.kind === "grades") return `color-mix(in srgb, ${COLORS[1]} ${Math.round(100 * (1 - k / (page.about.classes.length - 1)))}%, ${OTHER})`;
  return COLORS[k % COLORS.length];
};
const keyOf = (k) => page.about.kind === "grades" ? page.about.classes[k] : (k < 9 ? String(k + 1) : "");

function fail(error) {
  const box = find("message");
  box.replaceChildren(make("span", {}, error.message || String(error)), " ", make("span", { class: "hint" }, error.hint || ""));
  box.hidden = false;
}

// Answers are sent one after the other, in the order in which they were given.
function send(action) {
  const next = page.waiting.then(action).then((answer) => { find("message").hidden = true; return answer; });
  page.waiting = next.catch(fail);
  return page.waiting;
}

function showStatus(status) {
  find("classes").replaceChildren(...page.about.classes.map((label, k) => make("button", {
    type: "button", title: `Label ${label}`, onclick: () => answer(page.at, "label", label),
  }, make("span", { class: "swatch", style: `background:${colorOf(label)}` }), keyOf(k) ? make("kbd", {}, keyOf(k)) : null, label,
  make("span", { class: "number" }, status.labels[label].toLocaleString("en")))));
  const left = status.remaining;
  find("left").textContent = left ? `${left.found.toLocaleString("en")} found, about ${Math.max(0, Math.round(left.value)).toLocaleString("en")} left (95 %: ${left.low.toLocaleString("en")} to ${left.high.toLocaleString("en")})` : "";
  find("left").title = left ? `From ${left.drawn} objects that were drawn at random, ${left.hits} of them wanted.` : "";
  find("agreement").textContent = status.agreement.map((pair) => `${pair.first} and ${pair.second}: ${pair.kappa === null ? "all the same" : `kappa ${pair.kappa.toFixed(2)}`} on ${pair.count}`).join("; ");
}

function fillTile(tile, one) {
  tile.className = `tile${one.label ? " done" : ""}${one.skipped ? " skipped" : ""}${one.label && isMain() && one.label !== page.about.classes[0] ? " other" : ""}`;
  tile.style.setProperty("--color", one.label ? colorOf(one.label) : "");
  const text = one.label || (one.skipped ? "skipped" : "");
  tile.querySelector(".answer").textContent = text;
  tile.querySelector(".star").hidden = !one.star;
  tile.setAttribute("aria-label", `${one.id}${text ? `, ${text}` : ""}${one.star ? ", starred" : ""}`);
}

function showPage(found) {
  page.number = found.page;
  page.objects = found.objects;
  const stretch = find("stretch").value;
  find("objects").replaceChildren(...found.objects.map((one, k) => {
    const tile = make("figure", { tabIndex: 0, role: "button", onclick: () => { goTo(k); }, ondblclick: () => magnify(k), onfocus: () => { page.at = k; } },
      make("div", { class: "picture" }, make("img", { src: pictureOf(one.row, PICTURE, stretch), alt: "", draggable: false })), make("span", { class: "star" }, "★"),
      make("figcaption", {}, make("span", { class: "answer" }), make("span", { class: "id" }, one.id)));
    fillTile(tile, one);
    return tile;
  }));
  if (!found.objects.length) find("objects").append(make("p", { class: "empty" }, "Every object has been answered."));
  find("about").textContent = `page ${found.page}, ${found.ranked_by === "start" ? "no labels yet" : found.ranked_by} · ${page.about.name}, ${page.about.count.toLocaleString("en")} objects · ${page.about.by} in ${page.about.log}`;
  find("about").title = find("about").textContent;
  showStatus(found.status);
  fit();
  goTo(Math.max(0, found.objects.findIndex((one) => !one.label)));
  find("objects").scrollTop = 0;
  document.body.dataset.page = String(found.page);
}

// The size of the pictures at which all of the page is seen, if they do not get too small.
function fit() {
  const area = find("objects");
  const [width, height] = [area.clientWidth - 20, area.clientHeight - 20];
  let best = { tile: 0, columns: 6 };
  for (let columns = 2; columns <= 12; columns += 1) {
    const rows = Math.ceil(Math.max(1, page.objects.length) / columns);
    const tile = Math.min((width - 8 * (columns - 1)) / columns, (height - 8 * (rows - 1)) / rows - 29);
    if (tile > best.tile) best = { tile, columns };
  }
  if (best.tile < 110) best = { tile: Math.min(150, (width - 8) / 2), columns: Math.max(2, Math.floor((width + 8) / 158)) };
  area.style.setProperty("--tile", `${Math.floor(best.tile)}px`);
  area.style.setProperty("--columns", best.columns);
  page.columns = best.columns;
}

function goTo(k) {
  if (k < 0 || k >= page.objects.length) return;
  page.at = k;
  const tile = find("objects").children[k];
  if (!find("viewer").open) tile.focus({ focusVisible: true });
  else showMagnified();
}

function advance(k) {
  const order_ = [...page.objects.keys()].map((shift) => (k + 1 + shift) % page.objects.length);
  const next = order_.find((place) => !page.objects[place].label && !page.objects[place].skipped);
  goTo(next === undefined ? k : next);
}

function take(found) {
  const k = page.objects.findIndex((one) => one.row === found.row);
  if (k >= 0) {
    Object.assign(page.objects[k], { label: found.label, star: found.star, skipped: found.skipped });
    fillTile(find("objects").children[k], page.objects[k]);
  }
  showStatus(found.status);
  if (find("viewer").open) showMagnified();
  return k;
}

function answer(k, action, label = "") {
  const one = page.objects[k];
  if (!one) return;
  send(async () => take(await order("/api/answer", { row: one.row, action, label })));
  if (action === "label" || action === "skip") {
    if (action === "label") one.label = label; else one.skipped = true; // so that the next place is right before the answer
    advance(k);
  }
}

function undo() {
  send(async () => {
    const found = await order("/api/undo", {});
    if (!found.undone) { fail({ message: "There is nothing to undo." }); return; }
    const k = take(found);
    if (k >= 0) goTo(k);
  });
}

function nextPage() {
  find("next").disabled = true;
  send(async () => {
    try { showPage(await order("/api/next", { page: page.number })); } finally { find("next").disabled = false; }
  });
}

function labelRest() {
  for (const one of page.objects.filter((object) => !object.label && !object.skipped)) {
    one.label = page.about.classes[1];
    send(async () => take(await order("/api/answer", { row: one.row, action: "label", label: page.about.classes[1] })));
  }
}

function magnify(k) {
  goTo(k);
  find("viewer").showModal();
  showMagnified();
}

function showMagnified() {
  const one = page.objects[page.at];
  const address = pictureOf(one.row, 768, find("stretch").value);
  if (!find("viewer-picture").src.endsWith(address)) find("viewer-picture").src = address;
  find("viewer-id").textContent = one.id;
  find("viewer-label").textContent = `${one.label || (one.skipped ? "skipped" : "")}${one.star ? " ★" : ""}`;
  find("viewer-label").style.color = one.label ? colorOf(one.label) : "";
  find("viewer-place").textContent = typeof one.ra === "number" ? `RA ${one.ra.toFixed(5)}, Dec ${one.dec.toFixed(5)}` : "";
}

const KEYS = () => [
  ...page.about.classes.map((label, k) => [keyOf(k), label]).filter(([key]) => key),
  [page.about.kind === "grades" ? "Backspace" : "0, Backspace", "remove the label"], ["s", "skip: no answer"], ["f", "star, or remove the star"], ["z", "undo the last answer"],
  ...(isMain() ? [["x", "all others of this page are unwanted"]] : []),
  ["arrows", "move"], ["space", "magnify, and close"], ["Enter", "next page"], ["?", "these keys"],
];

function run(key) {
  const k = page.at;
  const one = page.objects[k];
  const chosen = page.about.classes.findIndex((_, place) => keyOf(place) === key);
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -page.columns, ArrowDown: page.columns };
  if (chosen >= 0) answer(k, "label", page.about.classes[chosen]);
  else if (key === "0" || key === "Backspace" || key === "Delete") answer(k, "unlabel");
  else if (key === "s") answer(k, "skip");
  else if (key === "f" && one) { answer(k, one.star ? "unstar" : "star"); }
  else if (key === "z") undo();
  else if (key === "x" && isMain()) labelRest();
  else if (key === " " && one) { if (find("viewer").open) { find("viewer").close(); goTo(k); } else magnify(k); }
  else if (key === "Enter") { if (find("viewer").open) find("viewer").close(); if (!find("next").disabled) nextPage(); }
  else if (key in steps) goTo(k + steps[key]);
  else if (key === "?") find("help").showModal();
  else return false;
  return true;
}

function bind() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input")) return;
    if (find("help").open) return;
    if (event.repeat && !event.key.startsWith("Arrow")) { event.preventDefault(); return; }
    if (event.target.closest("header button, footer button") && (event.key === " " || event.key === "Enter")) return;
    if (run(event.key)) event.preventDefault();
  });
  find("next").addEventListener("click", nextPage);
  find("undo").addEventListener("click", undo);
  find("rest").hidden = !isMain();
  find("rest").addEventListener("click", labelRest);
  find("viewer-picture").addEventListener("click", () => { find("viewer").close(); goTo(page.at); });
  find("open-help").addEventListener("click", () => find("help").showModal());
  find("help-close").addEventListener("click", () => find("help").close());
  find("keys").replaceChildren(...KEYS().flatMap(([key, text]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, text)]));
  find("stretch").addEventListener("change", () => { page.objects.forEach((one, k) => { find("objects").children[k].querySelector("img").src = pictureOf(one.row, PICTURE, find("stretch").value); }); });
  find("brightness").addEventListener("input", () => {
    const value = Number(find("brightness").value);
    document.querySelectorAll("#objects img, #viewer-picture").forEach((image) => { image.style.filter = value === 1 ? "" : `brightness(${value})`; });
  });
  addEventListener("resize", fit);
}

async function start() {
  page.about = await askAbout();
  document.title = `${page.about.log} – galaxtool label`;
  fillSelect(find("stretch"), page.about.stretches.map((name) => [name, name]));
  bind();
  showPage(await ask("/api/page"));
  document.body.dataset.ready = "1";
}

start().catch(fail);
