import assert from "node:assert/strict";
import { browse, logIn, panel, press, row, settled } from "./browser.mjs";
import { ask, PROVISIONING, provisioned } from "./nexus.mjs";

const read = async (center, transaction) =>
  (await ask(center.administrator, "GET", `${PROVISIONING}/transactions/${center.ccid}/${transaction}`)).data;

browse("an endpoint and a number are added, changed and removed", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/endpoints");
  await settled(page);

  await press(page, page, "Add an endpoint");
  let dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("sales");
  await dialog.getByLabel("Queue").fill("SalesQueue");
  await press(page, dialog, "Save");
  await row(page, "SalesQueue").waitFor();
  assert.equal((await read(center, "NexusEndpoints")).sales.queue, "SalesQueue");

  await panel(page, "#/numbers");
  await press(page, page, "Add a number");
  dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Main");
  await dialog.getByLabel("Number", { exact: true }).fill(center.number);
  await dialog.getByLabel("Endpoint").selectOption("chat.sales");
  await dialog.getByLabel("Carried by").selectOption("Async");
  await press(page, dialog, "Save");
  await row(page, center.number).waitFor();
  assert.deepEqual((await read(center, "NexusServices"))["chat.Main"], {
    channelId: `+${center.number}`, channelType: "sms", endpoint: "chat.sales", interactionSubtype: "SMS",
    interactionType: "Inbound", media: "chat", provider: "Async",
  });

  await press(page, row(page, center.number), "Edit");
  await page.getByRole("dialog").getByLabel("Valid for").fill("12h");
  await press(page, page.getByRole("dialog"), "Save");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal((await read(center, "NexusServices"))["chat.Main"].validity, "12h");

  await press(page, row(page, center.number), "Remove");
  await press(page, page.getByRole("dialog"), "Remove");
  await row(page, center.number).waitFor({ state: "detached" });
  assert.deepEqual(await read(center, "NexusServices"), {});
});

browse("an option that breaks its rule is told at its field", { refusals: [400] }, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  await press(page, page, "Add a number");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Main");
  await dialog.getByLabel("Number", { exact: true }).fill(center.number);
  await dialog.getByLabel("Valid for").fill("for ever");
  await press(page, dialog, "Save");
  await dialog.getByRole("alert").waitFor();
  assert.equal(await dialog.getByLabel("Valid for").getAttribute("aria-invalid"), "true");
});

browse("headers are put on webhooks, and taken off again", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  await press(page, page, "Webhook headers");
  const dialog = page.getByRole("dialog");
  await press(page, dialog, "Add a line");
  await dialog.getByLabel("Name").fill("x-plant");
  await dialog.getByLabel("Value").fill("4711");
  await press(page, dialog, "Save");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual((await read(center, "NexusServices")).Async, { "header:x-plant": "4711" });
  await settled(page);
  await press(page, page, "Webhook headers");
  await press(page, dialog, "Remove x-plant");
  await press(page, dialog, "Save");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(await read(center, "NexusServices"), {});
});
