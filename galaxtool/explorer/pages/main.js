// The page of `galaxtool explore`.

import { askAbout, download, order, sendBytes } from "/files/api.js";
import { Collections, SUFFIXES } from "/files/collections.js";
import { bindPrompt, count, fillSelect, find, formatNumber, make } from "/files/dom.js";
import { bindKeys } from "/files/keys.js";
import { MapView } from "/files/map.js";
import { showParts, toRequest } from "/files/query.js";
import { Results } from "/files/results.js";
import { Sketch } from "/files/sketch.js";
import { Viewer } from "/files/viewer.js";

const STEP = 60;
const MOST = 1000;
const MAX_UPLOAD = 32 * 1024 * 1024;
const EMPTY = { parts: [], where: "", ra: "", dec: "", radius: "", sort: "", descending: false, lasso: null, k: STEP };

const page = { state: { ...EMPTY }, turn: 0 };
const lassos = new Map(); // the rows of each, too many for the history of the browser
const ids = new Map();

function fail(error) {
  const box = find("message");
  box.className = "";
  box.replaceChildren(make("span", {}, error.message || String(error)), " ", make("span", { class: "hint" }, error.hint || ""));
  box.hidden = false;
}

function say(text) {
  const box = find("message");
  box.className = "note";
  box.textContent = text;
  box.hidden = !text;
}

function remember(answer) { answer.rows.forEach((row, k) => ids.set(row, formatNumber(answer.cells[k][page.results.column.id]))); }

async function cellsOf(row) {
  const known = page.results.cellsOf(row);
  if (known) return known;
  const answer = await order("/api/items", { rows: [row] });
  remember(answer);
  return answer.cells[0];
}

async function idsOf(rows) {
  const unknown = rows.filter((row) => !ids.has(row));
  if (unknown.length) remember(await order("/api/items", { rows: unknown }));
  return rows.map((row) => ids.get(row));
}

// Show another view, and let the browser's Back return to this one.
async function go(changes, { keep = false } = {}) {
  page.state = { ...page.state, k: STEP, ...changes };
  if (!keep) history.pushState(page.state, "");
  await refresh();
}

function showForm() {
  const { parts, where, ra, dec, radius, sort, descending, lasso } = page.state;
  showParts(parts, (next) => go({ parts: next }));
  if (lasso) {
    find("parts").append(make("div", { class: "part" }, make("span", { class: "name" }, lasso.name),
      make("button", { type: "button", title: "Remove the lasso", "aria-label": "Remove the lasso", onclick: () => go({ lasso: null }) }, "×")));
  }
  Object.entries({ where, ra, dec, radius, sort }).forEach(([id, value]) => { find(id).value = value; });
  find("descending").checked = descending;
  find("sort-label").hidden = find("descending-label").hidden = parts.length > 0;
}

async function refresh() {
  const turn = ++page.turn;
  const { parts, where, ra, dec, radius, sort, descending, lasso, k } = page.state;
  showForm();
  find("status").textContent = "Searching …";
  try {
    const request = { parts: parts.map(toRequest), where, sort, descending, k, lasso: lasso ? lasso.key : null };
    if (ra || dec) Object.assign(request, { ra, dec, radius: radius || null });
    const answer = await order("/api/view", request);
    if (turn !== page.turn) return;
    say(answer.notes.join(" "));
    remember(answer);
    page.results.show(answer);
    page.map.setMarks(parts.length ? answer.rows : []);
    page.map.emphasize(lasso ? lassos.get(lasso.key) : null);
    const shown = answer.rows.length;
    find("status").textContent = `${count(shown, "object")}${shown < answer.found ? ` of ${answer.found.toLocaleString("en")}` : ""}, ${Math.round(answer.milliseconds)} ms`;
    find("more").hidden = shown >= answer.found || shown >= MOST;
  } catch (error) {
    if (turn !== page.turn) return;
    find("status").textContent = "";
    fail(error);
  }
}

const addPart = (part) => go({ parts: [...page.state.parts, part] });

const act = {
  similar: async (row) => go({ parts: [{ kind: "row", row, weight: 1, name: (await idsOf([row]))[0] }] }),
  like: async (row, weight) => addPart({ kind: "row", row, weight, name: (await idsOf([row]))[0] }),
  magnify: (row) => page.viewer.open(row).catch(fail),
  mark: (row) => page.marks.mark(row),
  note: (row, text) => page.marks.note(row, text),
  cells: cellsOf,
  sort: (name) => page.state.parts.length || go({ sort: name, descending: page.state.sort === name && !page.state.descending }),
};

async function searchFiles(files) {
  for (const file of [...files].slice(0, 5)) {
    if (file.size > MAX_UPLOAD) { fail({ message: `${file.name} is larger than 32 MB.`, hint: "Cut out the object first." }); return; }
    find("status").textContent = `Reading ${file.name} …`;
    try {
      const { key } = await sendBytes("/api/image", file);
      await addPart({ kind: "upload", key, weight: 1, name: file.name });
    } catch (error) { find("status").textContent = ""; fail(error); return; }
  }
}

async function searchSketch(blob) {
  find("status").textContent = "Reading the sketch …";
  try {
    const { key } = await sendBytes("/api/sketch", blob);
    await addPart({ kind: "upload", key, weight: 1, name: "sketch" });
  } catch (error) { find("status").textContent = ""; fail(error); }
}

async function selectRows(rows) {
  try {
    const { key } = await sendBytes("/api/lasso", rows);
    lassos.set(key, rows);
    await go({ lasso: { key, name: `lasso: ${count(rows.length, "object")}` } });
  } catch (error) { fail(error); }
}

async function showCollection(rows) {
  try {
    const { key } = await sendBytes("/api/lasso", Uint32Array.from(rows));
    lassos.set(key, rows);
    await go({ parts: [], lasso: { key, name: `collection: ${count(rows.length, "object")}` } });
  } catch (error) { fail(error); }
}

function bindForms() {
  find("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = find("words").value.trim();
    find("words").value = "";
    if (text) addPart({ kind: "text", text, weight: 1, name: `“${text}”` });
  });
  let warm = false;
  find("words").addEventListener("focus", () => { if (!warm) { warm = true; order("/api/warm", {}).catch(() => {}); } });
  find("symbols").addEventListener("change", () => {
    const [symbol, name] = [find("symbols").value, find("symbols").selectedOptions[0].textContent];
    find("symbols").value = "";
    if (symbol) addPart({ kind: "symbol", symbol, weight: 1, name: `symbol: ${name}` });
  });
  const filter = () => go(Object.fromEntries([...["where", "ra", "dec", "radius", "sort"].map((id) => [id, find(id).value.trim()]), ["descending", find("descending").checked]]));
  find("filters").addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  for (const id of ["sort", "descending"]) find(id).addEventListener("change", filter);
  find("clear").addEventListener("click", () => go({ ...EMPTY }));
  find("more").addEventListener("click", () => go({ k: Math.min(page.state.k + STEP, MOST) }, { keep: true }));
  find("open-image").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", () => { searchFiles(find("file").files); });
  const format = () => find("result-format").value;
  find("export-results").addEventListener("click", () => download("/api/export", { rows: page.results.answer.rows, format: format() }, `objects.${SUFFIXES[format()]}`).catch(fail));
  find("send-results").addEventListener("click", () => order("/api/samp", { rows: page.results.answer.rows }).then((told) => say(`Sent to ${count(told.receivers, "program")}.`)).catch(fail));
  addEventListener("popstate", (event) => { if (event.state) { page.state = event.state; refresh(); } });
}

function bindDrop(about) {
  if (!about.has_images) return;
  const isFile = (event) => [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => { if (isFile(event)) { event.preventDefault(); find("drop").hidden = false; } });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) find("drop").hidden = true; });
  addEventListener("drop", (event) => { event.preventDefault(); find("drop").hidden = true; searchFiles(event.dataTransfer.files); });
}

function showAbout(about) {
  document.title = `${about.name} – galaxtool explore`;
  find("source").textContent = `${about.name}: ${count(about.count, "object")}${about.model ? `, model ${about.model}` : ""}`;
  find("source").title = find("source").textContent;
  find("words").disabled = find("search-button").disabled = find("open-sketch").disabled = !about.has_text;
  if (!about.has_text) find("words").placeholder = about.has_images ? "Drop an image anywhere, or click an object" : "Click an object to find similar ones";
  find("open-image").disabled = !about.has_images;
  find("symbols").hidden = !about.symbols.length;
  fillSelect(find("symbols"), [["", "Symbol"], ...about.symbols.map((one) => [one.slug, one.name])]);
  find("cone").hidden = !about.has_positions;
  find("where").placeholder = about.columns.some((column) => column.name === "z") ? "z < 0.1" : "dec > 30";
  const columns = about.columns.filter((column) => column.kind !== "other").map((column) => [column.name, column.name]);
  fillSelect(find("sort"), [["", "order of the index"], ...columns]);
  for (const id of ["stretch", "viewer-stretch"]) fillSelect(find(id), about.stretches.map((name) => [name, name]));
  for (const id of ["result-format", "collection-format"]) fillSelect(find(id), about.formats.map((name) => [name, { csv: "CSV", fits: "FITS", votable: "VOTable" }[name]]));
}

async function start() {
  const about = await askAbout();
  showAbout(about);
  bindPrompt();
  page.marks = new Collections({
    changed: () => { if (page.results) { page.results.refreshMarks(); page.viewer.refresh(); } },
    magnify: act.magnify, show: showCollection, ids: idsOf, fail, say,
  });
  page.results = new Results(about, act, (row) => page.marks.has(row));
  page.viewer = new Viewer(about, act, page.marks);
  page.map = new MapView(about, { idOf: async (row) => (await idsOf([row]))[0], magnify: act.magnify, select: selectRows, fail });
  page.sketch = new Sketch(searchSketch);
  bindForms();
  bindDrop(about);
  bindKeys(page, act);
  addEventListener("focus", () => page.marks.load().catch(() => {}));
  history.replaceState(page.state, "");
  page.map.load();
  await Promise.all([refresh(), page.marks.load().catch(fail)]);
  document.body.dataset.ready = "1";
}

start().catch(fail);
