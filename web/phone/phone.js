// The phone: sends texts to one of Nexus' numbers and shows the messages that come back. Messages are read
// from /sim/messages once and then live from /sim/events. Both give the same objects, and a new version of an
// object replaces the old one. Text is always set as textContent.
"use strict";

const DEMO = { from: "+15551230001", to: "+18445551212" };
const SMS_BASIC = /^[\n\r !-~£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€]*$/u;

const byId = (id) => document.getElementById(id);
const from = byId("from"), to = byId("to"), text = byId("text"), list = byId("messages");

const shown = new Map(); // sequence -> the elements of a message
let events = null;
let latest = 0;

const digits = (number) => number.replace(/[^0-9]/g, "");

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

// --- messages

// The states of a text to Nexus ("mo"), and the receipts for a message from Nexus ("mt").
const STATES = {
  mo: {
    sending: ["Sending…", ""],
    retrying: ["Trying again…", ""],
    accepted: ["Sent", ""],
    failed: ["Not delivered", "bad"],
  },
  mt: {
    received: ["", ""],
    accepted: ["Receipt: accepted", ""],
    delivered: ["Receipt: delivered", "good"],
    undelivered: ["Receipt: undelivered", "bad"],
  },
};

function concernsUs(message) {
  const pair = message.direction === "mo" ? [message.from, message.to] : [message.to, message.from];
  return digits(pair[0]) === digits(from.value) && digits(pair[1]) === digits(to.value);
}

function dayMark(time) {
  const day = time.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  if (list.dataset.day === day) return;
  list.dataset.day = day;
  const mark = element("li", "day");
  mark.textContent = day;
  list.append(mark);
}

function show(message, isFresh) {
  latest = Math.max(latest, message.sequence);
  if (!concernsUs(message) || message.state === "refused") return;
  const time = new Date(message.time);
  let parts = shown.get(message.sequence);
  if (!parts) {
    dayMark(time);
    const item = element("li", `message ${message.direction === "mo" ? "mine" : "theirs"}`);
    if (isFresh) item.classList.add("fresh");
    parts = { bubble: element("div", "bubble"), state: element("div", "state") };
    item.append(parts.bubble, parts.state);
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
    list.append(item);
    shown.set(message.sequence, parts);
    if (isAtEnd || message.direction === "mo") list.scrollTop = list.scrollHeight;
  }
  parts.bubble.textContent = message.text;
  const [words, tone] = STATES[message.direction][message.state] ?? [message.state, ""];
  const clock = time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  parts.state.textContent = words ? `${clock} · ${words}` : clock;
  parts.state.dataset.tone = tone;
  byId("empty").hidden = shown.size > 0;
}

// --- connection

function setLink(state) {
  const link = byId("link");
  link.dataset.state = state;
  link.textContent = state;
}

async function catchUp() {
  const number = encodeURIComponent(from.value);
  for (;;) {
    const answer = await fetch(`/sim/messages?after=${latest}&count=1000&number=${number}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = await answer.json();
    page.messages.forEach((message) => show(message, false));
    latest = Math.max(latest, page.next);
    if (page.messages.length < 1000) return;
  }
}

function connect() {
  events?.close();
  shown.clear();
  list.replaceChildren();
  delete list.dataset.day;
  byId("empty").hidden = false;
  latest = 0;
  setLink("connecting");
  events = new EventSource(`/sim/events?number=${encodeURIComponent(from.value)}`);
  events.addEventListener("open", () => catchUp().then(() => setLink("live"), () => setLink("offline")));
  events.addEventListener("error", () => setLink("offline"));
  events.addEventListener("message", (event) => show(JSON.parse(event.data), true));
}

// --- writing

function showProblem(words) {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}

function measure() {
  const value = text.value;
  const isBasic = SMS_BASIC.test(value);
  const length = isBasic ? [...value].length : value.length;
  const single = isBasic ? 160 : 70, each = isBasic ? 153 : 67;
  const parts = length <= single ? 1 : Math.ceil(length / each);
  byId("length").textContent = length ? `${length} · ${parts} SMS` : "";
  byId("send").disabled = value.trim() === "";
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
  return parts;
}

async function send() {
  const body = { from: from.value, to: to.value, text: text.value, parts: Math.min(measure(), 32) };
  if (body.text.trim() === "") return;
  if (digits(body.from).length < 3 || digits(body.to).length < 3) {
    showProblem("Both numbers need at least three digits.");
    return;
  }
  try {
    const answer = await fetch("/sim/mo", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    text.value = "";
    showProblem("");
    measure();
  } catch (error) {
    showProblem(`Not sent: ${error.message}`);
  }
  text.focus();
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
text.addEventListener("input", measure);
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});

// --- numbers: from the address (?from=&to=), else those of the last visit, else those of the demo

const asked = new URLSearchParams(location.search);
for (const field of [from, to]) {
  const given = asked.get(field.id);
  // A '+' in an address is read as a blank.
  field.value = given?.trim().replace(/^(?=\d)/, "+") || localStorage.getItem(field.id) || DEMO[field.id];
  field.addEventListener("change", () => {
    localStorage.setItem(field.id, field.value);
    connect();
  });
}

fetch("/sim/stats").then((answer) => answer.json()).then((stats) => {
  // The simulator also counts the users of GWS there; only names of digits are numbers.
  for (const channel of Object.keys(stats.channels).filter((name) => /^\d{3,15}$/.test(name))) {
    const option = document.createElement("option");
    option.value = `+${channel}`;
    byId("channels").append(option);
  }
}, () => {});

measure();
connect();
text.focus();
