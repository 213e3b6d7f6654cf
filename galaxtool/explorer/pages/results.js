// The results, as pictures or as a table.

import { pictureOf } from "/files/api.js";
import { find, formatNumber, make } from "/files/dom.js";

export class Results {
  // act: similar(row), like(row, weight), magnify(row), mark(row), sort(name)
  constructor(about, act, isMarked) {
    Object.assign(this, { about, act, isMarked });
    this.place = find("found");
    this.asTable = false;
    this.answer = null;
    this.names = about.columns.map((column) => column.name);
    this.column = Object.fromEntries(this.names.map((name, k) => [name, k]));
    for (const [id, table] of [["as-grid", false], ["as-table", true]]) find(id).addEventListener("click", () => this.setTable(table));
    find("brightness").addEventListener("input", () => this._brighten());
    find("tile").addEventListener("input", () => this._resize());
    find("stretch").addEventListener("change", () => this.show(this.answer));
    this.place.addEventListener("keydown", (event) => this._move(event));
    this._resize();
  }

  setTable(asTable) {
    this.asTable = asTable;
    find("as-grid").setAttribute("aria-pressed", String(!asTable));
    find("as-table").setAttribute("aria-pressed", String(asTable));
    this.show(this.answer);
  }

  show(answer) {
    this.answer = answer;
    if (!answer) return;
    const current = document.activeElement && this.place.contains(document.activeElement) ? this.current() : -1;
    this.place.replaceChildren(this.asTable ? this._makeTable(answer) : this._makeGrid(answer));
    this._brighten();
    if (current >= 0) this._focus(answer.rows.indexOf(current));
  }

  // Return the row that has the focus; -1 if none has.
  current() {
    const item = document.activeElement && document.activeElement.closest("[data-row]");
    return item && this.place.contains(item) ? Number(item.dataset.row) : -1;
  }

  refreshMarks() {
    for (const item of this.place.querySelectorAll("[data-row]")) {
      const marked = this.isMarked(Number(item.dataset.row));
      item.classList.toggle("marked", marked);
      const star = item.querySelector(".star");
      if (star) star.hidden = !marked;
    }
  }

  focusFirst() { this._focus(0); }

  cellsOf(row) {
    const k = this.answer ? this.answer.rows.indexOf(row) : -1;
    return k < 0 ? null : this.answer.cells[k];
  }

  similarityOf(row) {
    const k = this.answer && this.answer.similarity ? this.answer.rows.indexOf(row) : -1;
    return k < 0 ? null : this.answer.similarity[k];
  }

  _picture(row) {
    const size = Number(find("tile").value) * Math.min(window.devicePixelRatio || 1, 2) > 200 ? 320 : 160;
    return make("img", { src: pictureOf(row, this.asTable ? 64 : size, find("stretch").value), alt: "", loading: "lazy", decoding: "async", draggable: false });
  }

  _makeGrid(answer) {
    const tiles = answer.rows.map((row, k) => {
      const cells = answer.cells[k];
      const id = formatNumber(cells[this.column.id]);
      const [ra, dec] = [cells[this.column.ra], cells[this.column.dec]];
      const lines = [make("div", { title: id }, id)];
      if (answer.similarity) {
        const percent = answer.percentile ? `, ${(Math.floor(answer.percentile[k] * 10) / 10).toFixed(1)} %` : "";
        lines.push(make("div", { class: "faint", title: answer.percentile ? "Cosine, and the share of random pairs that are less alike" : "Cosine" }, `${answer.similarity[k].toFixed(3)}${percent}`));
      }
      if (typeof ra === "number" && typeof dec === "number") lines.push(make("div", { class: "faint" }, `${ra.toFixed(4)} ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(4)}`));
      const tool = (text, title, action) => make("button", { type: "button", title, "aria-label": title, tabIndex: -1, onclick: (event) => { event.stopPropagation(); action(); } }, text);
      const tools = make("div", { class: "tools" },
        tool("+", "More like this (+)", () => this.act.like(row, 1)),
        tool("−", "Less like this (-)", () => this.act.like(row, -0.5)),
        tool("★", "Mark (m)", () => this.act.mark(row)),
        tool("⤢", "Magnify (space)", () => this.act.magnify(row)));
      const marked = this.isMarked(row);
      return make("figure", { class: marked ? "tile marked" : "tile", tabIndex: k ? -1 : 0, data: { row }, title: "Find similar objects", onclick: () => this.act.similar(row) },
        this._picture(row), make("span", { class: "star", hidden: !marked }, "★"), tools, make("figcaption", {}, ...lines));
    });
    return make("div", { class: "grid" }, ...tiles);
  }

  _makeTable(answer) {
    const heads = [make("th", {}, ""), ...(answer.similarity ? [make("th", { class: "number" }, "similarity")] : []),
      ...this.about.columns.map(({ name, kind }) => make("th", kind === "other" ? { class: "plain" } : { class: kind === "number" ? "number" : "", onclick: () => this.act.sort(name), title: "Sort by this column" }, name))];
    const rows = answer.rows.map((row, k) => {
      const picture = this._picture(row);
      picture.addEventListener("click", (event) => { event.stopPropagation(); this.act.magnify(row); });
      const cells = [make("td", {}, picture)];
      if (answer.similarity) cells.push(make("td", { class: "number" }, answer.similarity[k].toFixed(4)));
      for (const value of answer.cells[k]) cells.push(make("td", { class: typeof value === "number" ? "number" : "", title: formatNumber(value) }, formatNumber(value)));
      return make("tr", { tabIndex: k ? -1 : 0, data: { row }, class: this.isMarked(row) ? "marked" : "" }, ...cells);
    });
    return make("table", { class: "rows" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  }

  _brighten() {
    const brightness = Number(find("brightness").value);
    for (const picture of this.place.querySelectorAll("img")) picture.style.filter = brightness === 1 ? "" : `brightness(${brightness})`;
  }

  _resize() { this.place.style.setProperty("--tile", `${find("tile").value}px`); }

  _move(event) {
    const items = [...this.place.querySelectorAll("[data-row]")];
    const at = items.findIndex((item) => item.contains(document.activeElement));
    if (at < 0) return;
    const wide = this.asTable ? 1 : Math.max(1, items.findIndex((item) => item.offsetTop > items[0].offsetTop));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this._focus(Math.min(Math.max(at + step, 0), items.length - 1));
  }

  _focus(k) {
    const items = this.place.querySelectorAll("[data-row]");
    if (!items[k]) return;
    for (const item of items) item.tabIndex = -1;
    items[k].tabIndex = 0;
    items[k].focus();
  }
}
