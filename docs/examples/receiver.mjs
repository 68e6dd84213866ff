// A receiver of Nexus' webhooks, complete, with nothing but Node's own modules (18 or later).
//
//     WEBHOOK_SECRET=… node receiver.mjs [PORT]
//
// It checks who sent the request, keeps each message once, and answers at once. What is kept is a line of received.jsonl,
// which your own program sends on. docs/webhooks.md is the contract it follows; receiver.py does the same in Python.
//
// Settings: WEBHOOK_SECRET, the secret of the number's webhook (while it is rotated: old and new, with a blank between);
// RECEIVER_FILE, where messages are kept; RECEIVER_HOST, the address to listen on. Put it behind something that speaks TLS.
// One process at a time: what it has seen it keeps in memory, and reads it back from the file when it starts.
import { createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, fsyncSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

const secrets = process.env.WEBHOOK_SECRET.split(/\s+/).filter(Boolean);
const file = process.env.RECEIVER_FILE ?? "received.jsonl";
const bodyLimit = 2 * 1024 * 1024;
const clockSkewSeconds = 300;

// A secret of the form whsec_… is base64 of the key; any other is the key itself.
function keyOf(secret) {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret);
  return encoded ? Buffer.from(encoded[1], "base64") : Buffer.from(secret);
}

// True when webhook-signature is right for these exact bytes, and was made within the last five minutes.
function isFromNexus(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^\d{1,15}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > clockSkewSeconds) return false;
  let right = false;
  for (const secret of secrets) {
    const wanted = Buffer.from(
      "v1," + createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest("base64"),
    );
    for (const word of (headers["webhook-signature"] ?? "").split(" ")) {
      const given = Buffer.from(word);
      right = (given.length === wanted.length && timingSafeEqual(given, wanted)) || right;
    }
  }
  return right;
}

// A line that a crash cut short was never answered with 200, so it comes again.
const seen = new Set();
let torn = false;
if (existsSync(file)) {
  const text = readFileSync(file, "utf8");
  torn = text !== "" && !text.endsWith("\n");
  for (const line of text.split("\n")) {
    try {
      seen.add(JSON.parse(line).id);
    } catch {
      continue;
    }
  }
}
const kept = openSync(file, "a");

// Stores what is new, each id once, and returns when it is on disk. After a failure part of a line may stand there; the
// next one begins on a line of its own.
function keep(messages) {
  const fresh = messages.filter((message) => !seen.has(message.id));
  if (fresh.length === 0) return;
  const lines = fresh.map((message) => JSON.stringify(message) + "\n").join("");
  const apart = torn ? "\n" : "";
  torn = true;
  appendFileSync(kept, apart + lines);
  fsyncSync(kept);
  torn = false;
  for (const message of fresh) seen.add(message.id);
}

function answer(response, status, content, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(content));
}

function take(request, response, body) {
  if (!isFromNexus(request.headers, body)) return answer(response, 401, { error: "the signature is wrong" });
  let messages;
  try {
    messages = JSON.parse(body.toString("utf8")).messages;
    if (!Array.isArray(messages) || !messages.every((message) => typeof message?.id === "string")) throw new Error();
  } catch {
    return answer(response, 400, { error: "this is no list of messages" });
  }
  try {
    keep(messages);
  } catch (error) {
    console.error(`not stored: ${error.code}`);
    return answer(response, 503, { error: "not stored; send it again" }, { "Retry-After": "5" });
  }
  // Only now, when a loss of power would not lose it. A repetition gets the same answer.
  return answer(response, 200, { messageId: messages[0]?.id });
}

const server = createServer((request, response) => {
  const pieces = [];
  let bytes = 0;
  request.on("data", (piece) => {
    bytes += piece.length;
    if (bytes <= bodyLimit) pieces.push(piece);
    else if (!response.headersSent) answer(response, 413, { error: "the body is too long" }, { Connection: "close" });
  });
  request.on("end", () => {
    if (bytes <= bodyLimit) take(request, response, Buffer.concat(pieces));
  });
  request.on("error", () => {});
});
server.keepAliveTimeout = 75_000; // longer than the 60 s for which Nexus keeps an idle connection
server.listen(Number(process.argv[2] ?? 8088), process.env.RECEIVER_HOST ?? "127.0.0.1", () => {
  const place = server.address();
  console.log(`listening on http://${place.address}:${place.port}/`);
});
