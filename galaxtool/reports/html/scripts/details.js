/* The box with all that is known of one image. */

class Details {
  constructor(rows) {
    this.rows = rows;
    this.box = document.getElementById("details");
    this.box.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-go]");
      if (event.target === this.box || button?.dataset.go === "close") this.box.close();
      else if (button) this.step(button.dataset.go === "after" ? 1 : -1);
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        event.preventDefault();
        this.step(event.key === "ArrowRight" ? 1 : -1);
      }
    });
  }

  /* Show a row; `among` is what Previous and Next go through. */
  open(row, among) {
    this.among = among;
    this.place = among.indexOf(row);
    this.show(row);
    if (!this.box.open) this.box.showModal();
  }

  step(by) {
    const place = this.place + by;
    if (place < 0 || place >= this.among.length) return;
    this.place = place;
    this.show(this.among[place]);
  }

  show(row) {
    const { rows } = this;
    document.getElementById("details-title").replaceChildren(isolated(rows.ids[row] || "(no id)"));
    for (const [go, end] of [["before", 0], ["after", this.among.length - 1]]) {
      this.box.querySelector(`[data-go=${go}]`).disabled = this.place === end;
    }
    const facts = make("dl", { class: "about" });
    const tell = (title, ...inside) => facts.append(make("dt", {}, title), make("dd", {}, ...inside));
    tell("Row", `${(row + 1).toLocaleString("en")} of ${rows.n.toLocaleString("en")}`);
    tell("File", isolated(rows.path(row)));
    if (!Number.isNaN(rows.ra[row])) tell("RA, Dec (ICRS)", `${rows.ra[row].toFixed(5)}, ${rows.dec[row].toFixed(5)} deg`);
    if (rows.error(row)) tell("Error", make("span", { class: "error" }, isolated(rows.error(row))));
    for (const flag of rows.flagsOf(row).split(" ").filter(Boolean)) {
      tell("Flag", make("code", {}, isolated(flag)), rows.meanings[flag] ? `: ${rows.meanings[flag]}` : "");
    }
    if (rows.label[row] !== NONE && !rows.exclusive) {
      tell("Label", isolated(rows.className(rows.label[row])), ` ${shownNumber(rows.probability[row])}`);
    }
    rows.columns.forEach((name, c) => {
      if (rows.extra[c][row] !== null) tell(isolated(name), isolated(rows.extra[c][row]));
    });
    const side = make("div");
    const picture = document.querySelector(`.card[data-row="${row}"] img`);
    if (picture) side.append(make("img", { src: picture.src, alt: "", class: "large" }));
    if (rows.label[row] !== NONE) side.append(this.classes(row));
    document.getElementById("details-body").replaceChildren(side, facts);
  }

  classes(row) {
    const table = make("table", { class: "shares" });
    table.append(make("caption", {}, this.rows.exclusive ? "Probabilities" : "Expected shares of the votes"));
    this.rows.all(row).forEach(([name, share], place) => {
      const kind = this.rows.exclusive && place === 0 ? "first" : "second";
      table.append(make("tr", {}, make("th", { scope: "row" }, isolated(name)), make("td", { class: "number" }, shownNumber(share)),
        make("td", { class: "bars" }, bar(share, kind))));
    });
    return table;
  }
}
