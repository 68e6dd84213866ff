import assert from "node:assert/strict";
import { browse, logIn, press, row, says, settled } from "../harness/browser.mjs";
import { ask, operator, PASSWORD, PROVISIONING, provisioned, sending, simulator } from "../harness/nexus.mjs";

const section = (center, name) => `${PROVISIONING}/transactions/${center.ccid}/${name}`;
const read = async (center, name) => (await ask(center.administrator, "GET", section(center, name))).data;

browse("a number added under a name in use is refused at the name, and the other number stays", { refusals: [412] }, async (page) => {
  const center = await sending();
  const before = await read(center, "NexusServices/chat.Main");
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  await press(page, page, "Add a number");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Main");
  await dialog.getByLabel("Number", { exact: true }).fill("15551234567");
  await press(page, dialog, "Save");
  await dialog.getByText("there is one of this name already").waitFor();
  assert.equal(await dialog.getByLabel("Name", { exact: true }).getAttribute("aria-invalid"), "true");
  assert.deepEqual(await read(center, "NexusServices/chat.Main"), before);

  await dialog.getByLabel("Name", { exact: true }).fill("Second");
  await press(page, dialog, "Save");
  await says(page, "15551234567 saved.");
});

browse("saving an object that was changed meanwhile is refused; after reading it again it can be saved", { refusals: [412] }, async (page) => {
  const center = await provisioned();
  await ask(center.administrator, "PUT", section(center, "NexusEndpoints/support"), { queue: "first" });
  await logIn(page, center.administrator, "#/endpoints");
  await settled(page);
  await press(page, row(page, "support"), "Edit");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Greeting").fill("Good day");
  await ask(center.administrator, "PUT", section(center, "NexusEndpoints/support"), { queue: "second" });

  await press(page, dialog, "Save");
  await dialog.getByText("it was changed in the meantime").waitFor();
  assert.deepEqual(await read(center, "NexusEndpoints/support"), { queue: "second" });

  await press(page, dialog, "Discard my changes and read again");
  await dialog.getByLabel("Queue").waitFor();
  assert.equal(await dialog.getByLabel("Queue").inputValue(), "second");
  await dialog.getByLabel("Greeting").fill("Good day");
  await press(page, dialog, "Save");
  await says(page, "The endpoint support is saved.");
  assert.deepEqual(await read(center, "NexusEndpoints/support"), { queue: "second", greeting: "Good day" });
});

browse("a webhook that was added meanwhile is not lost by saving a number", { refusals: [412] }, async (page) => {
  const center = await sending();
  const channels = (...numbers) => ({
    data: { channels: numbers.map((channelId) => ({ channelId, webhook: { url: `${simulator}/gateway/${channelId}` } })) },
    secret: { channels: numbers.map((channelId) => ({ channelId, webhook: { secret: "of-somebody-else" } })) },
  });
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  await press(page, row(page, center.number), "Edit");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Webhook URL").fill(`${simulator}/gateway/elsewhere`);
  await ask(center.administrator, "PUT", `${PROVISIONING}/services/${center.ccid}/Async`, channels(center.number, "15559998888"));

  await press(page, dialog, "Save");
  await dialog.getByText("it was changed in the meantime").waitFor();
  const webhooks = page.waitForResponse((answer) => answer.url().endsWith("/Async")); // they are read beside the number
  await press(page, dialog, "Discard my changes and read again");
  await (await webhooks).finished();
  await dialog.getByLabel("Webhook URL").fill(`${simulator}/gateway/elsewhere`);
  await press(page, dialog, "Save");
  await says(page, "saved.");
  const { data } = await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}/Async`);
  assert.deepEqual(data.data.channels.map(({ webhook }) => webhook.url).sort(), [
    `${simulator}/gateway/15559998888`, `${simulator}/gateway/elsewhere`,
  ]);
});

browse("a contact center is not provisioned over another, and is edited without its password", { refusals: [412] }, async (page) => {
  const center = await provisioned();
  await logIn(page, operator(), "#/tenants");
  await settled(page);
  await press(page, page, "Provision");
  let dialog = page.getByRole("dialog");
  await dialog.getByLabel("Contact center id").fill(center.ccid);
  await dialog.getByLabel("Name", { exact: true }).fill(`${center.name}_2`);
  await dialog.getByLabel("Backend URL").fill(simulator);
  await dialog.getByLabel("User name").fill("nexus");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await press(page, dialog, "Provision");
  await dialog.getByText("this contact center is provisioned already").waitFor();
  assert.equal(await dialog.getByLabel("Contact center id").getAttribute("aria-invalid"), "true");
  await press(page, dialog, "Cancel");

  const search = page.getByLabel("Search");
  if (await search.count()) await search.fill(center.name);
  await press(page, row(page, center.name), "Edit");
  dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Backend URL").inputValue(), simulator);
  await dialog.getByLabel("Name", { exact: true }).fill(`${center.name}_3`);
  await press(page, dialog, "Save");
  await says(page, `${center.name}_3 is provisioned.`);
});

browse("a missing endpoint is not offered, and an endpoint cannot be removed while a number names it", { refusals: [409] }, async (page) => {
  const center = await provisioned();
  for (const name of ["sales", "support"]) await ask(center.administrator, "PUT", section(center, `NexusEndpoints/${name}`), { queue: name });
  await ask(center.administrator, "PUT", section(center, "NexusServices/chat.Main"), {
    channelId: center.number, channelType: "sms", endpoint: "sales",
  });
  await logIn(page, center.administrator, "#/numbers");
  await settled(page);
  await press(page, row(page, center.number), "Edit");
  const options = page.getByRole("dialog").getByLabel("Endpoint").locator("option");
  await options.first().waitFor({ state: "attached" });
  const offered = await options.allTextContents();
  assert.deepEqual(offered, ["none", "sales", "chat.sales", "chat.support"]);
  await page.keyboard.press("Escape");

  await page.goto(page.url().replace(/#.*/, "#/endpoints"));
  await settled(page);
  await press(page, row(page, "sales"), "Remove");
  await press(page, page.getByRole("dialog"), "Remove");
  await page.getByRole("dialog").getByText('the endpoint "sales" is named by chat.Main').waitFor();
});
