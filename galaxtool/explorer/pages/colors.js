// Colours of a map: categories after Okabe and Ito, numbers on a scale from dark blue to yellow.

export const CATEGORIES = [
  [0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [240, 228, 66],
];
const OTHER = [150, 150, 150];
const SCALE = [
  [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
];

export const categoryColor = (number) => CATEGORIES[number] || OTHER;

// with more clusters than colours, lighter ones follow
export function clusterColor(number) {
  const base = CATEGORIES[number % CATEGORIES.length];
  return number < CATEGORIES.length ? base : base.map((value) => Math.round(value + (255 - value) * 0.5));
}

export function scaleColor(share) {
  const at = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const low = Math.min(Math.floor(at), SCALE.length - 2);
  return SCALE[low].map((value, k) => Math.round(value + (SCALE[low + 1][k] - value) * (at - low)));
}

export const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

// Return RGBA bytes for all objects.
export function colorize(values, coloring) {
  const bytes = new Uint8Array(values.length * 4);
  const table = new Uint8Array(257 * 3);
  const [low, high] = coloring.limits;
  for (let k = 0; k < 256; k++) {
    table.set(coloring.kind === "number" ? scaleColor(k / 255) : coloring.kind === "cluster" ? clusterColor(k) : (coloring.others === k ? OTHER : categoryColor(k)), 3 * k);
  }
  table.set(OTHER, 3 * 256);
  const factor = 255 / (high - low);
  for (let i = 0; i < values.length; i++) {
    let code = values[i];
    if (coloring.kind === "number") code = Number.isNaN(code) ? 256 : Math.min(Math.max(Math.round((code - low) * factor), 0), 255);
    bytes[4 * i] = table[3 * code];
    bytes[4 * i + 1] = table[3 * code + 1];
    bytes[4 * i + 2] = table[3 * code + 2];
    bytes[4 * i + 3] = 255;
  }
  return bytes;
}
