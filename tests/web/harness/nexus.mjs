// The Nexus under test (run.py started it): its users, and their requests that prepare a test.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";

export const { url, simulator, folder, clientSecret, faults } = JSON.parse(process.env.NEXUS_UNDER_TEST);
export const PASSWORD = "nexus_password";
let made = 0;

// A new contact center. GWS makes it when its administrator logs in.
export function contactCenter() {
  const ccid = randomUUID();
  return {
    ccid,
    name: `center_${++made}_${randomBytes(3).toString("hex")}`,
    number: `1844${String(Date.now() % 1e5).padStart(5, "0")}${String(made).padStart(2, "0")}`,
    administrator: { name: `${ccid}\\nexus`, password: PASSWORD, ccid },
    operator: operator(),
  };
}

export function operator() {
  return { name: "ops", password: "ops", ccid: null };
}

// --- HTTP without a browser, as one of them ---

const tokens = new Map();

async function tokenOf(user) {
  if (!tokens.has(user.name)) {
    const form = new URLSearchParams({ grant_type: "password", username: user.name, password: user.password });
    const client = Buffer.from(`nexus_client:${clientSecret}`).toString("base64");
    const headers = { authorization: `Basic ${client}` };
    const answer = await fetch(`${simulator}/auth/v3/oauth/token`, { method: "POST", body: form, headers });
    assert.equal(answer.status, 200, await answer.clone().text());
    tokens.set(user.name, (await answer.json()).access_token);
  }
  return tokens.get(user.name);
}

export async function ask(user, method, path, body, headers = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${await tokenOf(user)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export const PROVISIONING = "/nexus/v3/provisioning";

export async function provisioned(center = contactCenter(), name = center.name) {
  await ask(center.administrator, "POST", `${PROVISIONING}/tenants`, {
    id: center.ccid, name, type: "PureEngage", backendurl: simulator, username: "nexus", token: PASSWORD, genesystemenantid: 1,
  });
  return center;
}

export async function keyOf(center, name, permissions, more = {}) {
  return ask(center.administrator, "POST", "/nexus/v3/apikeys", {
    enabled: true, tenant: center.ccid, name, permissions, ...more,
  });
}

// A contact center that sends through its own gateway. The simulator is that gateway.
export async function sending(center = contactCenter(), webhook = `${simulator}/gateway/${center.number}`) {
  await provisioned(center);
  const secrets = { webhook: { secret: randomBytes(12).toString("hex") } }; // with one for the API, texts would have to be signed
  const services = `${PROVISIONING}/services/${center.ccid}`;
  await ask(center.administrator, "POST", `${services}/SMS`, { url: "N/A", data: { provider: "Async" }, secret: {} });
  await ask(center.administrator, "POST", `${services}/Async`, {
    data: { channels: [{ channelId: center.number, webhook: { url: webhook } }] },
    secret: { channels: [{ channelId: center.number, ...secrets }] },
  });
  await ask(center.administrator, "PUT", `${PROVISIONING}/transactions/${center.ccid}/NexusServices/chat.Main`, {
    channelId: center.number, channelType: "sms", endpoint: "chat.sales", interactionSubtype: "SMS",
    interactionType: "Inbound", media: "chat", provider: "Async",
  });
  const keys = {
    aggregator: (await keyOf(center, "aggregator", ["nexus:gateway:sms"])).id,
    agent: (await keyOf(center, "agent", ["nexus:agent:chat"], { capacity: 0 })).id,
  };
  return { ...center, keys };
}

let texts = 0;

// A phone number that has not written yet.
export function phone() {
  return `+1555${String(Date.now() % 1e6).padStart(6, "0")}${String(++texts).padStart(4, "0")}`;
}

// A phone sends a text, and the agent writes a message; returns the id of that message.
export async function answered(center, number = phone()) {
  const form = new URLSearchParams({ type: "MO", message_id: randomUUID(), phone_number: number, shortcode: center.number, message: "hello" });
  const basic = Buffer.from(`${center.ccid}:${center.keys.aggregator}`).toString("base64");
  const came = await fetch(`${url}/nexus/v3/sms/message`, { method: "POST", body: form, headers: { authorization: `Basic ${basic}` } });
  assert.equal(came.status, 200, await came.clone().text());
  const conversation = (await came.json()).data.conversationId;
  const posted = await fetch(`${url}/chat/v3/conversations/${conversation}/messages`, {
    method: "POST",
    body: JSON.stringify({ type: "Text", text: "an answer" }),
    headers: { authorization: `Bearer ${center.keys.agent}`, "content-type": "application/json" },
  });
  assert.equal(posted.status, 200, await posted.clone().text());
  return (await posted.json()).data.id;
}

// How the contact center's own gateway answers from now on.
export async function knobs(center, settings) {
  const put = await fetch(`${simulator}/sim/knobs/${center.number}`, {
    method: "PUT", body: JSON.stringify(settings), headers: { "content-type": "application/json" },
  });
  assert.equal(put.status, 200, await put.clone().text());
}

// "stop-postgresql" and "start-postgresql"; run.py does it.
export async function fault(what) {
  const done = await fetch(`${faults}/${what}`, { method: "POST" });
  assert.equal(done.status, 200, await done.clone().text());
}

// An AssertionError of the condition counts as "not yet".
export async function eventually(condition, what, withinMs = 60000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    let reason = "";
    try {
      const answer = await condition();
      if (answer) return answer;
    } catch (notYet) {
      if (!(notYet instanceof assert.AssertionError)) throw notYet;
      reason = `: ${notYet.message}`;
    }
    assert.ok(Date.now() < deadline, `not within ${withinMs / 1000} s: ${what}${reason}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
