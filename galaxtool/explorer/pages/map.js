// The map: moving, zooming, colours, names of clusters, pictures under the pointer, and the lasso.

import { ask, fetchArray, pictureOf } from "/files/api.js";
import { clusterColor, categoryColor, colorize, css, scaleColor } from "/files/colors.js";
import { fillSelect, find, formatNumber, make } from "/files/dom.js";
import { Finder } from "/files/nearest.js";
import { Points } from "/files/points.js";

const NAMES = { pca: "PCA", umap: "UMAP" };
const CLUSTERS = "clusters";

export class MapView {
  constructor(about, { idOf, magnify, select, fail }) {
    Object.assign(this, { about, idOf, magnify, select, fail });
    this.canvas = find("map-points");
    this.overlay = find("map-overlay");
    this.points = new Points(this.canvas);
    this.finder = null;
    this.marks = [];
    this.dim = null;
    this.lassoing = false;
    fillSelect(find("map-kind"), [["pca", "PCA"]]);
    const columns = about.columns.map((column, k) => [k, column]).filter(([, column]) => column.kind !== "other" && !["id", "path"].includes(column.name));
    fillSelect(find("map-color"), [[CLUSTERS, CLUSTERS], ...columns.map(([k, column]) => [String(k), column.name])]);
    find("map-kind").addEventListener("change", () => this.load());
    find("map-color").addEventListener("change", () => this.color().catch(this.fail));
    find("map-home").addEventListener("click", () => this.home());
    find("lasso").addEventListener("click", () => this.setLasso(!this.lassoing));
    this._bind();
    new ResizeObserver(() => this.redraw()).observe(find("map-area"));
  }

  async load() {
    const kind = find("map-kind").value || "pca";
    const state = find("map-state");
    if (!this.points.works) { state.textContent = "This browser has no WebGL, so there is no map."; return; }
    try {
      for (;;) {
        const told = await ask(`/api/map/${kind}`);
        if (find("map-kind").value !== kind) return;
        fillSelect(find("map-kind"), told.kinds.map((one) => [one, NAMES[one]]), kind);
        if (told.state === "failed") { state.textContent = told.error; return; }
        if (told.state === "ready") { this.clusters = told.clusters; break; }
        state.textContent = `${told.step} …`;
        await new Promise((done) => setTimeout(done, 700));
      }
      state.textContent = "";
      this.kind = kind;
      this.places = await fetchArray(`/api/map/${kind}/points`, Float32Array);
      this.points.setPlaces(this.places);
      this.finder = new Finder(this.places);
      await this.color();
      this.setMarks(this.marks);
      this.home();
    } catch (error) { state.textContent = ""; this.fail(error); }
  }

  async color() {
    const chosen = find("map-color").value;
    if (!this.places) return;
    let values;
    if (chosen === CLUSTERS) {
      values = await fetchArray(`/api/map/${this.kind}/clusters`, Uint8Array);
      this.coloring = { kind: "cluster", limits: [0, 1], categories: [] };
    } else {
      const told = await ask(`/api/column/${chosen}`);
      const isNumber = !told.categories.length;
      values = await fetchArray(`/api/column/${chosen}/values`, isNumber ? Float32Array : Uint8Array);
      const others = told.categories.at(-1) === "others" ? told.categories.length - 1 : -1;
      this.coloring = { kind: isNumber ? "number" : "category", others, ...told };
    }
    if (find("map-color").value !== chosen) return;
    this.colors = colorize(values, this.coloring);
    this._paint();
    this._showLegend();
    this.redraw();
  }

  _paint() {
    if (!this.colors) return;
    if (this.dim) for (let i = 0; i < this.dim.length; i++) this.colors[4 * i + 3] = this.dim[i] ? 255 : 40;
    else for (let i = 3; i < this.colors.length; i += 4) this.colors[i] = 255;
    this.points.setColors(this.colors);
  }

  // Show only some objects brightly; null for all.
  emphasize(rows) {
    if (!this.places) return;
    this.dim = null;
    if (rows) {
      this.dim = new Uint8Array(this.places.length / 2);
      for (const row of rows) this.dim[row] = 1;
    }
    this._paint();
    this.redraw();
  }

  setMarks(rows) {
    this.marks = rows;
    if (!this.places) return;
    const places = new Float32Array(rows.length * 2);
    const bytes = new Uint8Array(rows.length * 4);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    rows.forEach((row, k) => {
      places.set([this.places[2 * row], this.places[2 * row + 1]], 2 * k);
      bytes.set(dark ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * k);
    });
    this.points.setMarks(places, bytes);
    this.redraw();
  }

  home() { this.points.center = [0, 0]; this.points.zoom = 1; this.redraw(); }

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.points.draw(); this._placeNames(); this._drawLasso(); });
  }

  setLasso(on) {
    this.lassoing = on;
    find("lasso").setAttribute("aria-pressed", String(on));
    find("map-area").classList.toggle("drawing", on);
  }

  _placeNames() {
    const named = find("map-color").value === CLUSTERS && this.clusters ? this.clusters.filter((one) => one.name) : [];
    const { width, height } = this.points.factors();
    const taken = [];
    const labels = [];
    for (const one of named) {
      const [x, y] = this.points.toPixels(one.center[0], one.center[1]);
      const half = one.name.length * 3.6;
      if (x < half || y < 10 || x > width - half || y > height - 10) continue;
      if (taken.some(([tx, ty, th]) => Math.abs(tx - x) < half + th && Math.abs(ty - y) < 17)) continue;
      taken.push([x, y, half]);
      const label = make("span", {}, one.name);
      label.style.left = `${x}px`;
      label.style.top = `${y}px`;
      labels.push(label);
    }
    find("map-names").replaceChildren(...labels);
  }

  _showLegend() {
    const { kind, categories, limits } = this.coloring;
    const entry = (color, text) => {
      const swatch = make("span", { class: "swatch" });
      swatch.style.background = css(color);
      return make("span", { class: "entry" }, swatch, text);
    };
    if (kind === "cluster") {
      find("map-legend").replaceChildren(...this.clusters.slice(0, 14).map((one, k) => entry(clusterColor(k), `${one.name || k + 1} (${one.size.toLocaleString("en")})`)));
    } else if (kind === "category") {
      find("map-legend").replaceChildren(...categories.map((name, k) => entry(k === this.coloring.others ? [150, 150, 150] : categoryColor(k), name)));
    } else {
      const bar = make("canvas", { width: 120, height: 9 });
      const paint = bar.getContext("2d");
      for (let x = 0; x < 120; x++) { paint.fillStyle = css(scaleColor(x / 119)); paint.fillRect(x, 0, 1, 9); }
      find("map-legend").replaceChildren(make("div", { class: "scale" }, formatNumber(limits[0]), bar, formatNumber(limits[1])));
    }
  }

  _bind() {
    const at = (event) => { const box = this.canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    let from = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      from = { at: at(event), center: [...this.points.center], moved: false };
      if (this.lassoing || event.shiftKey) this.path = [at(event)];
      this._hover(null);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!from) { this._hover(here); return; }
      from.moved ||= Math.hypot(here[0] - from.at[0], here[1] - from.at[1]) > 4;
      if (this.path) this.path.push(here);
      else if (from.moved) {
        const { side } = this.points.factors();
        this.points.center = [from.center[0] - (here[0] - from.at[0]) / side, from.center[1] + (here[1] - from.at[1]) / side];
      }
      this.redraw();
    });
    const end = (event) => {
      if (!from) return;
      const { moved } = from;
      from = null;
      if (this.path) { this._finishLasso(); return; }
      const row = moved ? -1 : this._rowAt(at(event));
      if (row >= 0 && event.type === "pointerup") this.magnify(row);
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
    this.canvas.addEventListener("pointerleave", () => this._hover(null));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(at(event), Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      const { width, height } = this.points.factors();
      if (step) this.points.center = this.points.center.map((value, k) => value + 0.15 * step[k] / this.points.zoom);
      else if (event.key === "+" || event.key === "=") this.zoomAt([width / 2, height / 2], 1.4);
      else if (event.key === "-") this.zoomAt([width / 2, height / 2], 1 / 1.4);
      else return;
      event.preventDefault();
      event.stopPropagation();
      this.redraw();
    });
  }

  zoomAt([px, py], factor) {
    const [x, y] = this.points.toPlace(px, py);
    this.points.zoom = Math.min(Math.max(this.points.zoom * factor, 0.5), 2000);
    const [newX, newY] = this.points.toPlace(px, py);
    this.points.center = [this.points.center[0] + x - newX, this.points.center[1] + y - newY];
    this.redraw();
  }

  _rowAt([px, py]) {
    if (!this.finder) return -1;
    const [x, y] = this.points.toPlace(px, py);
    const { side } = this.points.factors();
    return this.finder.nearest(x, y, Math.max((this.points.size || 4) / 2 + 3, 6) / side);
  }

  _hover(here) {
    const figure = find("map-hover");
    const row = here && !this.path ? this._rowAt(here) : -1;
    figure.hidden = row < 0;
    if (row < 0) { this.hovered = -1; return; }
    const { width, height } = this.points.factors();
    figure.style.left = `${here[0] + 160 > width ? here[0] - 152 : here[0] + 14}px`;
    figure.style.top = `${Math.min(Math.max(here[1] - 80, 4), Math.max(height - 165, 4))}px`;
    if (this.hovered === row) return;
    this.hovered = row;
    figure.querySelector("img").src = pictureOf(row, 160, find("stretch").value);
    figure.querySelector("figcaption").textContent = "";
    this.idOf(row).then((id) => { if (this.hovered === row) figure.querySelector("figcaption").textContent = id; }).catch(() => {});
  }

  _finishLasso() {
    const path = this.path;
    this.path = null;
    this.setLasso(false);
    this.redraw();
    if (path.length < 3 || !this.finder) return;
    const rows = this.finder.inside(path.map(([x, y]) => this.points.toPlace(x, y)));
    if (rows.length) this.select(rows);
  }

  _drawLasso() {
    const { width, height } = this.points.factors();
    if (this.overlay.width !== width || this.overlay.height !== height) Object.assign(this.overlay, { width, height });
    const paint = this.overlay.getContext("2d");
    paint.clearRect(0, 0, width, height);
    if (!this.path || this.path.length < 2) return;
    paint.beginPath();
    this.path.forEach(([x, y], k) => (k ? paint.lineTo(x, y) : paint.moveTo(x, y)));
    paint.closePath();
    paint.fillStyle = "rgb(86 180 233 / 20%)";
    paint.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    paint.lineWidth = 2;
    paint.fill();
    paint.stroke();
  }
}
