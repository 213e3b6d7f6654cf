// Elements. Texts become text nodes, never markup: names and columns come from files of strangers.

export const find = (id) => document.getElementById(id);

export function make(tag, values = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => child instanceof Node ? child : document.createTextNode(String(child))));
  return element;
}

export function fillSelect(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (chosen !== undefined) select.value = chosen;
}

export function formatNumber(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(4) : String(Number(value.toPrecision(7)));
}

export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

let settle = null;

export function askText(text, value) {
  const dialog = find("prompt");
  find("prompt-text").textContent = text;
  const input = find("prompt-input");
  input.hidden = value === null;
  input.value = value || "";
  dialog.showModal();
  if (value !== null) { input.focus(); input.select(); } else find("prompt-ok").focus();
  return new Promise((resolve) => { settle = resolve; });
}

export function bindPrompt() {
  const dialog = find("prompt");
  const end = (answer) => { const done = settle; settle = null; if (dialog.open) dialog.close(); if (done) done(answer); };
  find("prompt-form").addEventListener("submit", (event) => { event.preventDefault(); end(find("prompt-input").value); });
  find("prompt-cancel").addEventListener("click", () => end(null));
  dialog.addEventListener("close", () => end(null));
}
