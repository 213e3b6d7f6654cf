"use strict";

const NONE = 0xFFFF;

/* Base 64 of a little-endian array, as every browser's machine has it; nothing stands for unknown throughout. */
function unpacked(packed, Kind, length) {
  if (packed === "") return new Kind(length).fill(NaN);
  const raw = atob(packed);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
}

/* All rows of the page, by column. */
class Rows {
  constructor() {
    const about = JSON.parse(document.querySelector("script.about-rows").textContent);
    Object.assign(this, about);
    const n = this.n;
    this.ids = new Array(n);
    this.folders = new Array(n);
    this.files = new Array(n);
    this.ra = new Float64Array(n);
    this.dec = new Float64Array(n);
    this.label = new Uint16Array(n);
    this.second = new Uint16Array(n);
    this.probability = new Float32Array(n);
    this.p2 = new Float32Array(n);
    this.p = new Float32Array(n * this.k);
    this.flagSet = new Uint32Array(n);
    this.errors = new Map();
    this.extra = this.columns.map(() => new Array(n));
    let start = 0;
    for (const element of document.querySelectorAll("script.rows")) {
      const block = JSON.parse(element.textContent);
      this.take(block, start);
      start += block.n;
    }
  }

  take(block, start) {
    for (let i = 0; i < block.n; i++) {
      this.ids[start + i] = block.id[i];
      this.folders[start + i] = block.folders[block.folder[i]];
      this.files[start + i] = block.name[i];
      for (let c = 0; c < this.extra.length; c++) this.extra[c][start + i] = block.extra[c][i];
    }
    for (const name of ["ra", "dec"]) this[name].set(unpacked(block[name], Float64Array, block.n), start);
    for (const name of ["label", "second"]) this[name].set(unpacked(block[name], Uint16Array, block.n), start);
    for (const name of ["probability", "p2"]) this[name].set(unpacked(block[name], Float32Array, block.n), start);
    this.p.set(unpacked(block.p, Float32Array, block.n * this.k), start * this.k);
    this.flagSet.set(unpacked(block.flags, Uint32Array, block.n), start);
    for (const [row, error] of Object.entries(block.errors)) this.errors.set(start + Number(row), error);
  }

  path(row) { return this.folders[row] + this.files[row]; }
  className(code) { return code === NONE ? "" : this.classes[code][1]; }
  classSlug(code) { return code === NONE ? "" : this.classes[code][0]; }
  flagsOf(row) { return this.flags[this.flagSet[row]]; }
  margin(row) { return this.probability[row] - this.p2[row]; }
  error(row) { return this.errors.get(row) || ""; }

  /* The model's classes and their probabilities of a row, the most probable first. */
  all(row) {
    const found = [];
    for (let k = 0; k < this.k; k++) found.push([this.classes[k][1], this.p[row * this.k + k], this.classes[k][0]]);
    return found.sort((a, b) => b[1] - a[1]);
  }
}

/* Text as it is shown: control characters as their pictures, marks of direction as escapes. */
function visible(text) {
  const marks = /[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  return String(text).replace(marks, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")).replace(/[\u0000-\u001f\u007f]/g, (c) => c === "\u007f" ? "\u2421" : String.fromCharCode(0x2400 + c.charCodeAt(0)));
}

function shownNumber(value, digits = 3) {
  if (Number.isNaN(value)) return "";
  if (digits === 3 && value >= 0.9995 && value < 1) return ">0.999";
  return digits === 3 && value > 0 && value < 0.0005 ? "<0.001" : value.toFixed(digits);
}

/* A new element; a text or elements in it are never taken for HTML. */
function make(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

function isolated(text) { return make("bdi", {}, visible(text)); }

function bar(share, kind = "") {
  const element = make("span", { class: "bar " + kind, "aria-hidden": "true" });
  element.style.setProperty("--share", (100 * Math.min(Math.max(share || 0, 0), 1)).toFixed(2) + "%");
  return element;
}
