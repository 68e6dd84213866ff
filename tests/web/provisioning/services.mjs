import assert from "node:assert/strict";
import { browse, logIn, press, row, settled } from "../harness/browser.mjs";
import { ask, PROVISIONING, provisioned, sending, simulator } from "../harness/nexus.mjs";

const SECRET = "only-the-server-knows-this";

async function open(page, name, button) {
  await press(page, row(page, name).first(), button);
  return page.getByRole("dialog");
}

browse("services are set up as forms, changed, and removed", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const stored = async (name) =>
    (await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}`)).data.services.find((one) => one.name === name);
  const sms = page.locator("tbody tr").filter({ hasText: "Enables SMS" });

  await press(page, sms, "Set up");
  await press(page, page.getByRole("dialog"), "Save"); // the provider is set to the contact center's own gateway (Async)
  await sms.getByText("set up", { exact: true }).waitFor();
  assert.deepEqual((await stored("SMS")).data, { provider: "Async" });

  await press(page, sms, "Edit");
  await page.getByRole("dialog").getByLabel("Provider", { exact: true }).selectOption("");
  await page.getByRole("dialog").getByLabel("Token provider").selectOption("Purecloud");
  await press(page, page.getByRole("dialog"), "Save");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual((await stored("SMS")).data, { tokenProvider: "Purecloud" });

  await press(page, sms, "Remove");
  await press(page, page.getByRole("dialog"), "Remove");
  await sms.getByText("not set up").waitFor();
  assert.equal(await stored("SMS"), undefined);
});

browse("a webhook and its secrets are set in a form, errors are shown at their field, and secrets are never shown", { refusals: [400] }, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);

  const dialog = await open(page, "Your own gateway", "Set up");
  await dialog.getByLabel("Number or mail domain").fill(center.number);
  await dialog.getByLabel("Webhook URL").fill("not a URL");
  await dialog.getByLabel("Webhook secret").fill(SECRET);
  await dialog.getByLabel("API secret").fill(SECRET);
  await press(page, dialog, "Save");
  await dialog.getByRole("alert").waitFor();
  assert.equal(await dialog.getByLabel("Webhook URL").getAttribute("aria-invalid"), "true");
  assert.equal(await dialog.getByLabel("Webhook URL").evaluate((field) => field === document.activeElement), true);
  await dialog.getByLabel("Webhook URL").fill(`${simulator}/gateway/${center.number}`);
  await press(page, dialog, "Save");
  await dialog.waitFor({ state: "detached" });
  await settled(page);

  const again = await open(page, "Your own gateway", "Edit");
  assert.equal(await again.getByLabel("Webhook secret").inputValue(), "");
  assert.ok(!(await page.content()).includes(SECRET));
  const read = await ask(center.administrator, "GET", `${PROVISIONING}/services/${center.ccid}/Async`);
  assert.ok(!JSON.stringify(read).includes(SECRET));
  await press(page, again, "Save"); // without a secret: the stored one stays
  await again.waitFor({ state: "detached" });
});

browse("a service can be edited as JSON, where an error is shown with its line and prevents saving", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const dialog = await open(page, "SMS through Kaleyra", "Set up");
  await dialog.getByLabel("Sender id").fill("12345");
  await press(page, dialog, "Edit as JSON");
  assert.equal(JSON.parse(await dialog.getByLabel("Data").inputValue()).senderId, "12345");
  await dialog.getByLabel("Data").fill('{\n  "a": 1,\n  b\n}');
  await dialog.getByText(/Not JSON/).waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isDisabled());
  await dialog.getByLabel("Data").fill("{}");
  assert.ok(await dialog.getByRole("button", { name: "Save" }).isEnabled());
});

browse("Escape keeps what was typed until it is pressed again", { viewport: { width: 1280, height: 300 } }, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const dialog = await open(page, "SMS through Kaleyra", "Set up");
  await dialog.getByLabel("Sender id").fill("12345");
  await page.keyboard.press("Escape");
  await dialog.getByText("Press Escape again").waitFor();
  const warning = await dialog.getByText("Press Escape again").boundingBox();
  assert.ok(warning.y >= 0 && warning.y + warning.height <= 300, "the warning is seen although the form is higher than the window");
  assert.equal(await dialog.getByLabel("Sender id").inputValue(), "12345");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

browse("Escape also asks after an entry was removed, and does not ask if nothing was changed", {}, async (page) => {
  const center = await sending();
  await logIn(page, center.administrator, "#/services");
  await settled(page);
  const untouched = await open(page, "Your own gateway", "Edit");
  await untouched.getByLabel("Webhook URL").focus();
  await page.keyboard.press("Escape");
  await untouched.waitFor({ state: "detached" });

  const dialog = await open(page, "Your own gateway", "Edit");
  await dialog.getByRole("button", { name: /^Remove / }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.closest("dialog")); // the focus is not lost with the button
  await page.keyboard.press("Escape");
  await dialog.getByText("Press Escape again").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});
