// A canvas to sketch a symbol on.

import { find } from "/files/dom.js";

export class Sketch {
  constructor(search) {
    this.canvas = find("sketch");
    this.paint = this.canvas.getContext("2d", { willReadFrequently: true });
    this.dialog = find("sketcher");
    this.before = [];
    this.clear();
    this._bind();
    find("open-sketch").addEventListener("click", () => this.open());
    find("sketch-clear").addEventListener("click", () => { this._remember(); this.clear(); });
    find("sketch-undo").addEventListener("click", () => this.undo());
    find("sketch-cancel").addEventListener("click", () => this.dialog.close());
    find("sketch-search").addEventListener("click", () => this.canvas.toBlob((blob) => { this.dialog.close(); search(blob); }, "image/png"));
    this.dialog.addEventListener("keydown", (event) => { if (event.key === "z") this.undo(); });
  }

  open() { this.dialog.showModal(); this.canvas.focus(); }

  clear() {
    this.paint.fillStyle = "#000";
    this.paint.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  undo() {
    const last = this.before.pop();
    if (last) this.paint.putImageData(last, 0, 0);
  }

  _remember() {
    this.before.push(this.paint.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.before.length > 20) this.before.shift();
  }

  _bind() {
    let last = null;
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [(event.clientX - box.left) * this.canvas.width / box.width, (event.clientY - box.top) * this.canvas.height / box.height];
    };
    const line = (to) => {
      this.paint.strokeStyle = find("rubber").checked ? "#000" : "#fff";
      this.paint.lineWidth = Number(find("pen").value);
      this.paint.lineCap = this.paint.lineJoin = "round";
      this.paint.beginPath();
      this.paint.moveTo(...last);
      this.paint.lineTo(...to);
      this.paint.stroke();
      last = to;
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this._remember();
      last = at(event);
      line([last[0] + 0.01, last[1]]);
    });
    this.canvas.addEventListener("pointermove", (event) => { if (last) line(at(event)); });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { last = null; });
  }
}
