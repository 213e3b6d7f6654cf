// The parts of a query: words, objects, images, sketches and symbols, to be like or unlike.

import { pictureOf } from "/files/api.js";
import { find, make } from "/files/dom.js";

export const uploadPicture = (key) => `/api/upload/${encodeURIComponent(key)}`;

// What the server needs of a part.
export function toRequest(part) {
  const { kind, weight, text, row, key, symbol } = part;
  return { kind, weight, text, row, key, symbol };
}

export function showParts(parts, change) {
  find("parts").replaceChildren(...parts.map((part, k) => {
    const replace = (next) => change(parts.flatMap((one, at) => (at === k ? next : [one])));
    const picture = part.kind === "row" ? pictureOf(part.row, 64, "model") : part.kind === "upload" ? uploadPicture(part.key) : null;
    const sign = make("button", { type: "button", title: part.weight > 0 ? "Like this; press for unlike" : "Unlike this; press for like", "aria-label": part.weight > 0 ? "like" : "unlike", onclick: () => replace([{ ...part, weight: -part.weight }]) }, part.weight > 0 ? "+" : "−");
    const weight = make("input", { type: "number", min: 0.05, max: 10, step: 0.05, value: Math.abs(part.weight), title: "Weight", "aria-label": "Weight", onchange: (event) => {
      const size = Math.min(Math.max(Number(event.target.value) || 1, 0.05), 10);
      replace([{ ...part, weight: Math.sign(part.weight) * size }]);
    } });
    return make("div", { class: part.weight > 0 ? "part" : "part unlike" }, sign,
      picture ? make("img", { src: picture, alt: "" }) : null,
      make("span", { class: "name", title: part.name }, part.name),
      parts.length > 1 ? weight : null,
      make("button", { type: "button", title: "Remove", "aria-label": `Remove ${part.name}`, onclick: () => replace([]) }, "×"));
  }));
}
