import assert from "node:assert/strict";
import { browse, logIn, panel, press, row, settled } from "../harness/browser.mjs";
import { ask, PROVISIONING, provisioned } from "../harness/nexus.mjs";

const read = async (center, transaction) =>
  (await ask(center.administrator, "GET", `${PROVISIONING}/transactions/${center.ccid}/${transaction}`)).data;

async function webhooks(center) {
  const { data } = (await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}/Async`)).data;
  return Object.fromEntries(data.channels.map(({ channelId, webhook }) => [channelId, webhook.url]));
}

browse("an endpoint and a number are added, changed and removed", { refusals: [400] }, async (page) => {
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
  await dialog.getByLabel("Provider").selectOption("Async");
  await dialog.getByText("Webhook of your own gateway").click();
  await dialog.getByLabel("Webhook URL").fill("https://sms.example.com/out");
  await dialog.getByLabel("Webhook secret").fill("signs what is sent");
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

  const other = `${center.number}7`;
  await press(page, row(page, center.number), "Edit");
  dialog = page.getByRole("dialog");
  await dialog.getByLabel("Number", { exact: true }).fill(other);
  await press(page, dialog, "Save");
  await dialog.getByRole("alert").first().waitFor();
  assert.deepEqual(await webhooks(center), { [`+${center.number}`]: "https://sms.example.com/out" }, "without its secret nothing is changed");
  await dialog.getByLabel("Webhook secret").fill("signs what is sent from the other number");
  await press(page, dialog, "Save");
  await dialog.waitFor({ state: "detached" });
  await row(page, other).waitFor();
  assert.deepEqual(await webhooks(center), { [`+${other}`]: "https://sms.example.com/out" }, "the number took its webhook along");

  await press(page, row(page, other), "Remove");
  await press(page, page.getByRole("dialog"), "Remove");
  await row(page, other).waitFor({ state: "detached" });
  assert.deepEqual(await read(center, "NexusServices"), {});
});

browse("an option that breaks its rule is reported at its field", { refusals: [400] }, async (page) => {
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

browse("headers are added to webhooks and removed again", {}, async (page) => {
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

browse("keywords are set in a form, errors are shown at their fields, and without words the section is removed", { refusals: [400] }, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  const words = (meaning) => page.getByRole("dialog").getByLabel(`${meaning} words`);
  const save = async () => {
    await press(page, page.getByRole("dialog"), "Save");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await settled(page);
  };

  await press(page, page, "Keywords");
  await words("Stop").fill("fin, Slut");
  await words("Start").fill("go, stop");
  await words("Help").fill("fin");
  await press(page, page.getByRole("dialog"), "Save");
  await page.getByRole("dialog").getByRole("alert").getByText("See the marked field").waitFor();
  assert.equal(await words("Stop").getAttribute("aria-invalid"), null);
  for (const [meaning, rule] of [["Start", "word 2 is one of ours for STOP"], ["Help", "word 1 has another meaning, too"]]) {
    assert.equal(await words(meaning).getAttribute("aria-invalid"), "true", meaning);
    await page.getByRole("dialog").getByText(rule, { exact: true }).waitFor();
  }
  assert.equal(await words("Start").evaluate((field) => field === document.activeElement), true);

  await words("Start").fill("x".repeat(25));
  await words("Help").fill("");
  await press(page, page.getByRole("dialog"), "Save");
  await page.getByRole("dialog").getByText("words of 1 to 24 characters").waitFor();
  assert.equal(await words("Start").getAttribute("aria-invalid"), "true");
  await words("Start").fill("");
  await save();
  assert.deepEqual((await read(center, "NexusServices")).Keywords, { stop: "fin, Slut" });

  await press(page, page, "Keywords");
  assert.equal(await words("Stop").inputValue(), "fin, Slut");
  await words("Help").fill("sos");
  await save();
  assert.deepEqual((await read(center, "NexusServices")).Keywords, { stop: "fin, Slut", help: "sos" });

  await press(page, page, "Keywords");
  await words("Stop").fill("");
  await words("Help").fill("");
  await save();
  assert.deepEqual(await read(center, "NexusServices"), {});
});
