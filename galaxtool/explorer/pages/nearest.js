// Find the point next to the pointer, and those inside a lasso, among a million.

const CELLS = 256;

export class Finder {
  constructor(places) {
    this.places = places;
    const count = places.length / 2;
    const cellOf = new Uint32Array(count);
    const starts = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < count; i++) {
      cellOf[i] = this._cell(places[2 * i]) + CELLS * this._cell(places[2 * i + 1]);
      starts[cellOf[i] + 1]++;
    }
    for (let k = 0; k < CELLS * CELLS; k++) starts[k + 1] += starts[k];
    const next = starts.slice();
    this.order = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.order[next[cellOf[i]]++] = i;
    this.starts = starts;
  }

  _cell(value) { return Math.min(Math.max(Math.floor((value + 1.25) / 2.5 * CELLS), 0), CELLS - 1); }

  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    const [left, right] = [this._cell(x - reach), this._cell(x + reach)];
    const [low, high] = [this._cell(y - reach), this._cell(y + reach)];
    for (let row = low; row <= high; row++) {
      for (let k = this.starts[row * CELLS + left]; k < this.starts[row * CELLS + right + 1]; k++) {
        const i = this.order[k];
        const dx = this.places[2 * i] - x;
        const dy = this.places[2 * i + 1] - y;
        const square = dx * dx + dy * dy;
        if (square < least) [least, best] = [square, i];
      }
    }
    return best;
  }

  inside(polygon) {
    const xs = polygon.map((point) => point[0]);
    const ys = polygon.map((point) => point[1]);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [low, high] = [Math.min(...ys), Math.max(...ys)];
    const found = [];
    const count = this.places.length / 2;
    for (let i = 0; i < count; i++) {
      const x = this.places[2 * i];
      const y = this.places[2 * i + 1];
      if (x < left || x > right || y < low || y > high) continue;
      let within = false;
      for (let a = 0, b = xs.length - 1; a < xs.length; b = a++) {
        if ((ys[a] > y) !== (ys[b] > y) && x < (xs[b] - xs[a]) * (y - ys[a]) / (ys[b] - ys[a]) + xs[a]) within = !within;
      }
      if (within) found.push(i);
    }
    return Uint32Array.from(found);
  }
}
