import assert from "node:assert/strict";
import { browse, logIn, press, row, settled } from "./browser.mjs";
import { ask, PROVISIONING, provisioned, simulator } from "./nexus.mjs";

const SECRET = "only-the-server-knows-this";

async function open(page, name, button) {
  await press(page, row(page, name).first(), button);
  return page.getByRole("dialog");
}

browse("services are set up from what they start with, changed, and removed", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const stored = async (name) =>
    (await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}`)).data.services.find((one) => one.name === name);
  const sms = page.locator("tbody tr").filter({ hasText: "Switches SMS on" });

  await press(page, sms, "Set up");
  await press(page, page.getByRole("dialog"), "through your own gateway");
  await press(page, page.getByRole("dialog"), "Save");
  await sms.getByText("set up", { exact: true }).waitFor();
  assert.deepEqual((await stored("SMS")).data, { provider: "Async" });

  await press(page, sms, "Edit");
  await press(page, page.getByRole("dialog"), "through the aggregator");
  await press(page, page.getByRole("dialog"), "Save");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual((await stored("SMS")).data, { tokenProvider: "Purecloud" });

  await press(page, sms, "Remove");
  await press(page, page.getByRole("dialog"), "Remove");
  await sms.getByText("not set up").waitFor();
  assert.equal(await stored("SMS"), undefined);
});

browse("what the server refuses is shown with its path, and secrets go one way only", { refusals: [400] }, async (page) => {
  const center = await provisioned();
  const channels = (more) => JSON.stringify({ channels: [{ channelId: center.number, ...more }] });
  await logIn(page, center.administrator, "#/services");
  await settled(page);

  const dialog = await open(page, "Your own gateway", "Set up");
  await dialog.getByLabel("Data").fill(channels({ webhook: { url: `${simulator}/gateway/${center.number}` } }));
  await dialog.getByLabel("Secret").fill(channels({ webhook: {}, api: { secret: SECRET } }));
  await press(page, dialog, "Save");
  await dialog.getByText("channels[0].webhook.secret", { exact: false }).first().waitFor();
  assert.equal(await dialog.getByLabel("Secret").getAttribute("aria-invalid"), "true");

  await dialog.getByLabel("Secret").fill(channels({ webhook: { secret: SECRET }, api: { secret: SECRET } }));
  await press(page, dialog, "Save");
  await dialog.waitFor({ state: "detached" });
  await settled(page);

  const again = await open(page, "Your own gateway", "Edit");
  assert.equal(await again.getByLabel("Secret").inputValue(), "");
  assert.ok(!(await page.content()).includes(SECRET));
  const read = await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}/Async`);
  assert.ok(!JSON.stringify(read).includes(SECRET));
  await press(page, again, "Save"); // without a secret: the stored one stays
  await again.waitFor({ state: "detached" });
});

browse("JSON that is none is told with its line, and cannot be saved", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const dialog = await open(page, "The aggregator's API for SMS", "Set up");
  await dialog.getByLabel("Data").fill('{\n  "a": 1,\n  b\n}');
  await dialog.getByText(/Not JSON/).waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isDisabled());
  await dialog.getByLabel("Data").fill("{}");
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isEnabled());
});
