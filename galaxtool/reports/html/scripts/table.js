/* The table of all rows: found, sorted, paged. The view is kept in the page's address, so that it can be noted. */

const COLUMNS = [
  { key: "row", title: "row", kind: "number", value: (rows, row) => row },
  { key: "id", title: "id" },
  { key: "ra", title: "RA [deg]", kind: "number minor", value: (rows, row) => rows.ra[row], digits: 5 },
  { key: "dec", title: "Dec [deg]", kind: "number minor", value: (rows, row) => rows.dec[row], digits: 5 },
  { key: "class", title: "class", value: (rows, row) => rows.label[row] === NONE ? NaN : rows.label[row] },
  { key: "probability", title: "probability", kind: "number", value: (rows, row) => rows.probability[row] },
  { key: "second", title: "next class", kind: "minor", value: (rows, row) => rows.second[row] === NONE ? NaN : rows.second[row] },
  { key: "margin", title: "margin", kind: "number minor", value: (rows, row) => rows.margin(row) },
  { key: "flags", title: "flags", kind: "minor", value: (rows, row) => rows.flagSet[row] || NaN },
];
const START = { text: "", class: "", from: "", to: "", flag: "", errors: "", sort: "row", down: "", page: "1", size: "50" };

class View {
  constructor(rows, open) {
    this.rows = rows;
    this.open = open;
    this.form = document.getElementById("controls");
    this.pages = document.getElementById("pages");
    this.found = new Uint32Array(0);
    this.keys = new Map();
    this.state = { ...START };
    const seconds = rows.second.some((code) => code !== NONE);
    const there = { ra: rows.ra.some((x) => x === x), dec: rows.dec.some((x) => x === x), second: seconds, margin: seconds,
      flags: Object.keys(rows.meanings).length > 0 };
    this.columns = COLUMNS.filter(({ key }) => there[key] ?? true);
    this.makeControls();
    this.makeHead();
    this.listen();
    this.readAddress();
  }

  makeControls() {
    const counts = new Uint32Array(this.rows.classes.length);
    for (const code of this.rows.label) if (code !== NONE) counts[code]++;
    const classes = this.form.elements.class, flags = this.form.elements.flag;
    this.rows.classes.forEach(([slug, name], k) => {
      if (counts[k]) classes.append(make("option", { value: slug }, `${visible(name)} (${counts[k].toLocaleString("en")})`));
    });
    for (const flag of Object.keys(this.rows.meanings)) flags.append(make("option", { value: flag }, visible(flag)));
    for (const id of ["controls", "found", "rows-region", "pages"]) document.getElementById(id).hidden = false;
  }

  makeHead() {
    const head = document.querySelector("#rows thead tr");
    for (const { key, title, kind = "" } of this.columns) {
      const button = make("button", { type: "button", "data-sort": key }, title);
      head.append(make("th", { scope: "col", class: kind }, button));
    }
  }

  listen() {
    let waiting = 0;
    this.form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.change({ ...this.asked(), page: "1" }), 150);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", (event) => {
      event.preventDefault();
      this.change({ ...START, sort: this.state.sort, down: this.state.down, size: this.state.size });
    });
    this.pages.addEventListener("change", (event) => {
      if (event.target.name === "page") this.change({ page: event.target.value });
      else this.change({ size: event.target.value, page: "1" });
    });
    this.pages.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.go(button.dataset.go);
    });
    document.querySelector("#rows thead").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.sortBy(button.dataset.sort);
    });
    document.getElementById("save").addEventListener("click", () => save(this.rows, this.found));
    window.addEventListener("hashchange", () => this.readAddress());
  }

  asked() {
    const { text, from, to, flag, errors } = this.form.elements;
    return { text: text.value, class: this.form.elements.class.value, from: from.value, to: to.value, flag: flag.value,
      errors: errors.checked ? "1" : "" };
  }

  readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const state = { ...START };
    let any = false;
    for (const [key, value] of given) if (value !== "" && key in START) { state[key] = value; any = true; }
    if (any || !this.drawn) this.change(state, any);
    if (any) document.getElementById("all").scrollIntoView();
  }

  sortBy(key) {
    const down = this.state.sort === key ? !this.state.down : key === "probability";
    this.change({ sort: key, down: down ? "1" : "", page: "1" });
  }

  go(where) {
    const last = this.lastPage(), now = Number(this.state.page);
    this.change({ page: String({ first: 1, before: now - 1, after: now + 1, last }[where]) });
  }

  lastPage() { return Math.max(1, Math.ceil(this.found.length / Number(this.state.size))); }

  change(changes, keepAddress = false) {
    this.state = { ...this.state, ...changes };
    if (!this.columns.some((column) => column.key === this.state.sort)) this.state.sort = "row";
    if (!["25", "50", "100", "500"].includes(this.state.size)) this.state.size = START.size;
    const asked = JSON.stringify([this.state.text, this.state.class, this.state.from, this.state.to, this.state.flag,
      this.state.errors, this.state.sort, this.state.down]);
    if (asked !== this.answered) {
      this.found = this.sorted(this.find());
      this.answered = asked;
    }
    this.state.page = String(Math.min(Math.max(1, Math.trunc(Number(this.state.page)) || 1), this.lastPage()));
    this.show();
    if (!keepAddress && this.drawn) this.writeAddress();
    this.drawn = true;
  }

  writeAddress() {
    const kept = Object.entries(this.state).filter(([key, value]) => value !== START[key]);
    try {
      history.replaceState(null, "", "#" + (kept.length ? new URLSearchParams(kept) : "all"));
    } catch { /* some browsers forbid it for files */ }
  }

  find() {
    const { rows, state } = this;
    const text = state.text.trim().toLowerCase();
    const code = rows.classes.findIndex(([slug]) => slug === state.class);
    const from = state.from === "" ? -Infinity : Number(state.from), to = state.to === "" ? Infinity : Number(state.to);
    const bounded = state.from !== "" || state.to !== "";
    const flagged = rows.flags.map((flags) => {
      const all = flags.split(" ").filter(Boolean);
      return { "": true, "*": all.length > 0, "-": all.length === 0 }[state.flag] ?? all.includes(state.flag);
    });
    const found = new Uint32Array(rows.n);
    let n = 0;
    for (let row = 0; row < rows.n; row++) {
      if (state.class !== "" && rows.label[row] !== code) continue;
      if (bounded && !(rows.probability[row] >= from && rows.probability[row] <= to)) continue;
      if (!flagged[rows.flagSet[row]]) continue;
      if (state.errors && !rows.errors.has(row)) continue;
      if (text && !rows.ids[row].toLowerCase().includes(text) && !rows.path(row).toLowerCase().includes(text)) continue;
      found[n++] = row;
    }
    return found.subarray(0, n);
  }

  /* Unknown values come last, whichever way the others are sorted; equal ones in the order of the input. */
  sorted(found) {
    const { sort, down } = this.state;
    if (sort === "row") return down ? found.reverse() : found;
    const key = this.key(sort), sign = down ? -1 : 1;
    return found.sort((a, b) => {
      const x = key[a], y = key[b];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  key(sort) {
    if (!this.keys.has(sort)) {
      const key = new Float64Array(this.rows.n);
      if (sort === "id") {
        const { compare } = new Intl.Collator("en", { numeric: true });
        const order = Uint32Array.from(key.keys()).sort((a, b) => compare(this.rows.ids[a], this.rows.ids[b]));
        order.forEach((row, rank) => { key[row] = rank; });
      } else {
        const { value } = this.columns.find((column) => column.key === sort);
        for (let row = 0; row < key.length; row++) key[row] = value(this.rows, row);
      }
      this.keys.set(sort, key);
    }
    return this.keys.get(sort);
  }

  show() {
    const { state, found } = this;
    const { text, from, to, flag, errors } = this.form.elements;
    Object.assign(this.form.elements.class, { value: state.class });
    for (const [field, value] of [[text, state.text], [from, state.from], [to, state.to], [flag, state.flag]]) {
      if (field.value !== value) field.value = value;
    }
    errors.checked = Boolean(state.errors);
    const size = Number(state.size), start = (Number(state.page) - 1) * size;
    const body = make("tbody");
    for (const row of found.subarray(start, start + size)) body.append(this.line(row));
    if (!found.length) body.append(make("tr", {}, make("td", { colspan: this.columns.length }, "No image is so.")));
    document.querySelector("#rows tbody").replaceWith(body);
    this.columns.forEach(({ key }, k) => {
      const head = document.querySelectorAll("#rows thead th")[k];
      if (key === state.sort) head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const n = found.length.toLocaleString("en"), all = this.rows.n.toLocaleString("en");
    const range = found.length ? `, rows ${(start + 1).toLocaleString("en")} to ${Math.min(start + size, found.length).toLocaleString("en")} shown` : "";
    document.getElementById("status").textContent = `${n} of ${all} images${range}`;
    const last = this.lastPage(), now = Number(state.page);
    const page = this.pages.querySelector("[name=page]");
    page.value = now;
    page.max = last;
    this.pages.querySelector("[name=size]").value = state.size;
    document.getElementById("of").textContent = `of ${last.toLocaleString("en")}`;
    for (const button of this.pages.querySelectorAll("button")) {
      button.disabled = ["first", "before"].includes(button.dataset.go) ? now === 1 : now === last;
    }
    document.getElementById("save").disabled = !found.length;
  }

  line(row) {
    const { rows } = this;
    const button = make("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, isolated(rows.ids[row] || "(no id)"));
    button.addEventListener("click", () => this.open(row, this.found));
    const error = rows.error(row);
    const cells = {
      row: () => [row + 1],
      id: () => [button],
      class: () => error ? [make("span", { class: "error" }, "error: ", isolated(error))] : [isolated(rows.className(rows.label[row]))],
      probability: () => [bar(rows.probability[row], "first"), shownNumber(rows.probability[row])],
      second: () => [isolated(rows.className(rows.second[row]))],
      margin: () => [shownNumber(rows.margin(row))],
      flags: () => [visible(rows.flagsOf(row))],
    };
    const line = make("tr", { "data-row": row });
    for (const [k, { key, kind = "", value, digits }] of this.columns.entries()) {
      const inside = cells[key] ? cells[key]() : [shownNumber(value(rows, row), digits)];
      const tells = error && key === "class";
      line.append(make("td", { class: `${kind} is-${key}`, ...(tells ? { colspan: this.columns.length - k } : {}) }, ...inside));
      if (tells) break;
    }
    return line;
  }
}

/* Hand rows over as a file. */
function save(rows, found) {
  const quoted = (value) => /[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? "");
  const known = (value) => Number.isNaN(value) ? "" : value;
  const single = (value) => Number.isNaN(value) ? "" : Number(value.toPrecision(9));
  const slugs = rows.classes.slice(0, rows.k).map(([slug]) => `p_${slug}`);
  const lines = [[...rows.columns, "id", "path", "ra", "dec", "label", "probability", ...slugs, "flags", "error"]];
  for (const row of found) {
    const shares = Array.from(rows.p.subarray(row * rows.k, (row + 1) * rows.k), single);
    lines.push([...rows.extra.map((column) => column[row]), rows.ids[row], rows.path(row), known(rows.ra[row]), known(rows.dec[row]),
      rows.classSlug(rows.label[row]), single(rows.probability[row]), ...shares, rows.flagsOf(row), rows.error(row)]);
  }
  const content = new Blob([lines.map((line) => line.map(quoted).join(",") + "\n").join("")], { type: "text/csv" });
  const link = make("a", { href: URL.createObjectURL(content), download: "selected.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
