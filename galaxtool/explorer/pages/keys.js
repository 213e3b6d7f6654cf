// Keys.

import { find, make } from "/files/dom.js";

const KEYS = [
  ["/", "search for words"], ["d", "sketch"], ["arrows", "move among the results"], ["Enter", "find similar objects"],
  ["space", "magnify, and close"], ["+", "more like this"], ["-", "less like this"], ["m", "mark, or remove the mark"],
  ["n", "note"], ["g, t", "grid, table"], ["l", "lasso"], ["0", "whole map"], ["Esc", "close; remove the lasso"], ["?", "these keys"],
];

export function bindKeys(page, act) {
  find("keys").replaceChildren(...KEYS.flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)]));
  find("open-help").addEventListener("click", () => find("help").showModal());
  find("help-close").addEventListener("click", () => find("help").close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) {
      if (typing && event.key === "Escape") event.target.blur();
      return;
    }
    const dialog = document.querySelector("dialog[open]");
    if (dialog && dialog.id !== "viewer") return;
    const row = page.viewer.isOpen ? page.viewer.row : page.results.current();
    if (run(event.key, row, page, act, event)) event.preventDefault();
  });
}

function run(key, row, page, act, event) {
  const has = row >= 0;
  const open = page.viewer.isOpen;
  const isButton = event.target.closest("button, a");
  if (key === " " && has && !(isButton && !open)) { if (open) page.viewer.dialog.close(); else act.magnify(row); }
  else if (key === "m" && has) act.mark(row);
  else if (key === "n" && has) act.magnify(row).then(() => find("viewer-note").focus());
  else if ((key === "+" || key === "=") && has) { if (open) page.viewer.dialog.close(); act.like(row, 1); }
  else if (key === "-" && has) { if (open) page.viewer.dialog.close(); act.like(row, -0.5); }
  else if (open) return false;
  else if (key === "Enter" && has && !isButton) act.similar(row);
  else if (key === "/") find("words").focus();
  else if (key === "d" && !find("open-sketch").disabled) page.sketch.open();
  else if (key === "g" || key === "t") page.results.setTable(key === "t");
  else if (key === "l") page.map.setLasso(!page.map.lassoing);
  else if (key === "0") page.map.home();
  else if (key === "?") find("help").showModal();
  else if (key === "Escape" && page.map.lassoing) page.map.setLasso(false);
  else if (key === "Escape" && page.state.lasso) find("parts").querySelector("[aria-label='Remove the lasso']").click();
  else if (key.startsWith("Arrow") && !has && document.activeElement === document.body) page.results.focusFirst();
  else return false;
  return true;
}
