// Questions to the server. Every order has the header that pages of other sites cannot send.

export class Failure extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint || "";
    this.status = status;
  }
}

async function request(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Failure("galaxtool does not answer.", "It may have been stopped. Start it again in the terminal.", 0);
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let found = {};
  try { found = JSON.parse(text); } catch { found = { error: text.trim() }; }
  throw new Failure(found.error || `galaxtool answered ${answer.status}.`, found.hint, answer.status);
}

const headers = { "X-Galaxtool": "1" };

export async function ask(path) { return (await request(path)).json(); }

export async function fetchArray(path, Kind) { return new Kind(await (await request(path)).arrayBuffer()); }

export async function order(path, values) {
  const body = JSON.stringify(values);
  return (await request(path, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body })).json();
}

export async function sendBytes(path, body) {
  return (await request(path, { method: "POST", headers: { ...headers, "Content-Type": "application/octet-stream" }, body })).json();
}

export async function download(path, values, name) {
  const body = JSON.stringify(values);
  const answer = await request(path, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body });
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

let run = ""; // which start of the server this is

// Ask what is shown, before anything else.
export async function askAbout() {
  const about = await ask("/api/about");
  run = about.run;
  return about;
}

// The browser keeps pictures for an hour. The next server at this port may show others, so their addresses differ.
export function pictureOf(row, size, stretch) {
  return `/api/picture/${row}?size=${size}&stretch=${encodeURIComponent(stretch || "model")}&run=${run}`;
}
