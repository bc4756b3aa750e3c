// Talking with the server: the event stream, and what this page sends.

import { merge, setTime, state } from "./state.js";

const AGAIN_MS = 3_000;
// The server speaks at least every two seconds: longer silence is a lost connection, whatever the socket says.
const SILENCE_MS = 10_000;

/** Follow the event stream for ever; `changed` after each picture, `linked` with "open", "lost" or "ended". */
export function follow(changed, linked) {
  const stream = new EventSource("/events");
  let heard = Date.now();
  const on = (name, take) =>
    stream.addEventListener(name, (event) => {
      heard = Date.now();
      linked("open");
      take(JSON.parse(event.data));
    });
  on("time", (data) => setTime(data.now));
  for (const name of ["snapshot", "changes"]) {
    on(name, (picture) => {
      merge(picture);
      changed();
    });
  }
  const again = async () => {
    clearInterval(watch);
    stream.close();
    linked((await isSignedIn()) ? "lost" : "ended");
    setTimeout(() => follow(changed, linked), AGAIN_MS);
  };
  const watch = setInterval(() => Date.now() - heard > SILENCE_MS && again(), 1_000);
  stream.addEventListener("error", () => (stream.readyState === EventSource.CLOSED ? again() : linked("lost")));
}

async function isSignedIn() {
  try {
    return (await fetch("/api/session")).status !== 401;
  } catch {
    return true; // no server: the connection is lost, not the session
  }
}

/** Get JSON; an error has the server's own sentence. */
export async function get(path) {
  return answer(await fetch(path));
}

/** Send JSON and return what the server says. */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": state.session.csrf ?? "" };
  return answer(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body;
}

/** The name that a person signs with; without one, the server takes the role. */
export function signed(body) {
  const by = document.getElementById("by").value.trim();
  return by ? { ...body, by } : body;
}
