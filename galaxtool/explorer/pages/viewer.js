// One object, magnified, with its columns, links to other archives, and a note.

import { pictureOf } from "/files/api.js";
import { find, formatNumber, make } from "/files/dom.js";

const LINKS = [
  ["Legacy Survey", (ra, dec) => `https://www.legacysurvey.org/viewer?ra=${ra}&dec=${dec}&layer=ls-dr10&zoom=15`],
  ["ESASky", (ra, dec) => `https://sky.esa.int/esasky/?target=${ra}%20${dec}&fov=0.05&cooframe=J2000`],
  ["SIMBAD", (ra, dec) => `https://simbad.cds.unistra.fr/simbad/sim-coo?Coord=${ra}%20${dec < 0 ? "" : "%2B"}${dec}&CooFrame=ICRS&Radius=10&Radius.unit=arcsec`],
];

export class Viewer {
  // act: similar(row), like(row, weight), mark(row), note(row, text), cells(row) -> promise
  constructor(about, act, marks) {
    Object.assign(this, { about, act, marks });
    this.dialog = find("viewer");
    this.row = -1;
    const then = (action) => () => { this.dialog.close(); action(this.row); };
    find("viewer-similar").addEventListener("click", then(act.similar));
    find("viewer-like").addEventListener("click", then((row) => act.like(row, 1)));
    find("viewer-unlike").addEventListener("click", then((row) => act.like(row, -0.5)));
    find("viewer-mark").addEventListener("click", () => act.mark(this.row));
    find("viewer-close").addEventListener("click", () => this.dialog.close());
    find("viewer-stretch").addEventListener("change", () => this._showPicture());
    find("viewer-brightness").addEventListener("input", () => this._brighten());
    find("viewer-note").addEventListener("change", () => act.note(this.row, find("viewer-note").value));
    find("viewer-picture").addEventListener("click", (event) => this._magnify(event));
  }

  get isOpen() { return this.dialog.open; }

  async open(row) {
    this.row = row;
    find("viewer-stretch").value = find("stretch").value;
    find("viewer-brightness").value = find("brightness").value;
    this._showPicture();
    this._brighten();
    this.refresh();
    if (!this.dialog.open) this.dialog.showModal();
    find("viewer-similar").focus();
    const cells = await this.act.cells(row);
    if (this.row !== row) return;
    const values = Object.fromEntries(this.about.columns.map((column, k) => [column.name, cells[k]]));
    find("viewer-id").textContent = formatNumber(values.id);
    find("viewer-cells").replaceChildren(...this.about.columns.map((column, k) => make("tr", {}, make("td", {}, column.name), make("td", {}, formatNumber(cells[k])))));
    this._showLinks(values.ra, values.dec);
  }

  refresh() {
    if (this.row < 0) return;
    find("viewer-mark").setAttribute("aria-pressed", String(this.marks.has(this.row)));
    find("viewer-mark").textContent = this.marks.has(this.row) ? "★ Marked" : "☆ Mark";
    if (document.activeElement !== find("viewer-note")) find("viewer-note").value = this.marks.noteOf(this.row);
  }

  _showLinks(ra, dec) {
    const known = typeof ra === "number" && typeof dec === "number";
    find("viewer-links").replaceChildren(...(known ? LINKS.map(([name, address]) => make("a", { href: address(ra, dec), target: "_blank", rel: "noopener noreferrer", referrerPolicy: "no-referrer" }, name)) : []));
  }

  async _showPicture() {
    const picture = find("viewer-picture");
    const address = pictureOf(this.row, 768, find("viewer-stretch").value);
    picture.src = address;
    picture.style.transform = "";
    find("viewer-scale").textContent = "";
    const row = this.row;
    const answer = await fetch(address, { credentials: "same-origin" }).catch(() => null);
    if (!answer || row !== this.row) return;
    const side = answer.headers.get("X-Arcsec");
    if (answer.headers.get("X-Missing")) find("viewer-scale").textContent = "The image cannot be read.";
    else if (side) find("viewer-scale").textContent = `${formatNumber(Number(side))} arcsec wide`;
  }

  _brighten() {
    const brightness = Number(find("viewer-brightness").value);
    find("viewer-picture").style.filter = brightness === 1 ? "" : `brightness(${brightness})`;
  }

  _magnify(event) {
    const picture = event.currentTarget;
    const box = picture.getBoundingClientRect();
    if (picture.style.transform) { picture.style.transform = ""; return; }
    picture.style.transformOrigin = `${100 * (event.clientX - box.left) / box.width}% ${100 * (event.clientY - box.top) / box.height}%`;
    picture.style.transform = "scale(3)";
  }
}
