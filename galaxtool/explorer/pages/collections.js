// Collections: marked objects with notes, which the server keeps.

import { ask, download, order, pictureOf } from "/files/api.js";
import { askText, count, fillSelect, find, formatNumber, make } from "/files/dom.js";

const SUFFIXES = { csv: "csv", fits: "fits", votable: "vot" };
const FIRST = "marked";
const NOTHING = { rows: [], notes: [] };

export class Collections {
  constructor({ changed, magnify, show, ids, fail, say }) {
    Object.assign(this, { changed, magnify, show, ids, fail, say });
    this.all = [];
    this.name = "";
    find("collection").addEventListener("change", () => { this.name = find("collection").value; this._show(); });
    find("new-collection").addEventListener("click", () => this._ask("Name of the new collection", "", (name) => ({ action: "create", name })));
    find("rename-collection").addEventListener("click", () => this.name && this._ask("New name", this.name, (name) => ({ action: "rename", name: this.name, new: name })));
    find("delete-collection").addEventListener("click", () => this._delete());
    find("export-collection").addEventListener("click", () => this._export());
    find("send-collection").addEventListener("click", () => this._send());
    find("show-collection").addEventListener("click", () => { if (this._current().rows.length) this.show(this._current().rows); });
  }

  async load() { this._take(await ask("/api/collections")); }

  has(row) { return this._current().rows.includes(row); }

  noteOf(row) {
    const { rows, notes } = this._current();
    return rows.includes(row) ? notes[rows.indexOf(row)] : "";
  }

  async mark(row) {
    if (!this.name) await this._order({ action: "create", name: FIRST }, FIRST);
    await this._order({ action: this.has(row) ? "remove" : "add", name: this.name, rows: [row] });
  }

  async note(row, text) {
    if (!this.name) await this._order({ action: "create", name: FIRST }, FIRST);
    await this._order({ action: "note", name: this.name, rows: [row], note: text });
  }

  _current() { return this.all.find((one) => one.name === this.name) || NOTHING; }

  async _order(values, name) {
    try {
      const told = await order("/api/collections", values);
      if (name !== undefined) this.name = name;
      this._take(told);
    } catch (error) { this.fail(error); }
  }

  _take({ collections }) {
    this.all = collections;
    if (!this.all.some((one) => one.name === this.name)) this.name = this.all.length ? this.all[0].name : "";
    this._show();
  }

  async _show() {
    fillSelect(find("collection"), this.all.length ? this.all.map((one) => [one.name, `${one.name} (${one.rows.length})`]) : [["", "no collection"]], this.name);
    const { rows, notes } = this._current();
    for (const id of ["rename-collection", "delete-collection"]) find(id).disabled = !this.name;
    for (const id of ["export-collection", "send-collection", "show-collection"]) find(id).disabled = !rows.length;
    this.changed();
    const shown = rows.slice(-200).reverse();
    const texts = shown.length ? await this.ids(shown).catch(() => []) : [];
    if (this._current().rows !== rows) return;
    find("marked").replaceChildren(...shown.map((row, k) => make("li", {},
      make("img", { src: pictureOf(row, 64, "model"), alt: "", loading: "lazy", onclick: () => this.magnify(row) }),
      make("div", { class: "text" }, make("div", { title: formatNumber(texts[k]) }, formatNumber(texts[k])), make("div", { class: "note" }, notes[rows.indexOf(row)])),
      make("button", { type: "button", title: "Remove", "aria-label": "Remove", onclick: () => this._order({ action: "remove", name: this.name, rows: [row] }) }, "×"))));
    if (!rows.length) find("marked").append(make("li", { class: "empty" }, "Mark objects with ★ or the key m to collect them here."));
  }

  async _ask(text, value, makeOrder) {
    const name = await askText(text, value);
    if (name !== null && name.trim()) await this._order(makeOrder(name), name.trim().replace(/\s+/g, " "));
  }

  async _delete() {
    const { rows } = this._current();
    const answer = this.name ? await askText(`Delete “${this.name}” with ${count(rows.length, "object")}?`, null) : null;
    if (answer !== null) await this._order({ action: "delete", name: this.name });
  }

  async _export() {
    const kind = find("collection-format").value;
    const file = `${this.name.replace(/[^\w-]+/g, "_")}.${SUFFIXES[kind]}`;
    try { await download("/api/export", { collection: this.name, format: kind }, file); } catch (error) { this.fail(error); }
  }

  async _send() {
    try { this.say(`Sent to ${count((await order("/api/samp", { collection: this.name })).receivers, "program")}.`); } catch (error) { this.fail(error); }
  }
}

export { SUFFIXES };
