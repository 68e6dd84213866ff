import assert from "node:assert/strict";
import { browse, logIn, press, row, says, settled } from "../harness/browser.mjs";
import { ask, contactCenter, eventually, keyOf, operator, provisioned, url } from "../harness/nexus.mjs";

const asked = (key) => fetch(`${url}/chat/v3/conversations`, { headers: { "x-api-key": key } });

async function create(page, name, permission, more = async () => undefined) {
  await page.getByRole("button", { name: /^Create a (cluster )?key$/ }).click();
  const dialog = page.getByRole("dialog", { name: /^Create a/ });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel(permission).check();
  await more(dialog);
  await press(page, dialog, "Create");
  const shown = page.getByRole("dialog").filter({ hasText: "not shown again" });
  const key = await shown.getByLabel("The new key").inputValue();
  return { shown, key };
}

browse("a key is shown once, works, and is not shown again", {}, async (page) => {
  const center = await provisioned();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);

  const { shown, key } = await create(page, "A bot", "Agents: conversations");
  await press(page, shown, "Copy");
  await shown.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  await page.keyboard.press("Escape");
  assert.ok(await shown.isVisible(), "Escape does not close the dialog with the key");
  await press(page, shown, "I have stored it");

  assert.equal((await asked(key)).status, 200);
  await row(page, "A bot").getByText(key.slice(0, 13)).waitFor();
  assert.ok(!(await page.content()).includes(key));
  const listed = await ask(center.administrator, "GET", "/nexus/v3/apikeys");
  assert.ok(!JSON.stringify(listed).includes(key));
});

browse("a key is switched off and on again, and gateways follow", {}, async (page) => {
  const center = await provisioned();
  const key = await keyOf(center, "Switched", ["nexus:agent:chat"]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  assert.equal((await asked(key.id)).status, 200);

  await press(page, row(page, "Switched"), "Disable");
  await says(page, "The key Switched is disabled.");
  await row(page, "Switched").getByText("disabled").waitFor();
  await becomes(key.id, 401);

  await press(page, row(page, "Switched"), "Enable");
  await row(page, "Switched").getByText("enabled").waitFor();
  await becomes(key.id, 200);
});

browse("after a key was switched off or deleted by keyboard, the focus is on the same button or on the heading", {}, async (page) => {
  const center = await provisioned();
  await keyOf(center, "Focused", ["nexus:agent:chat"]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());

  await row(page, "Focused").getByRole("button", { name: "Disable" }).focus();
  await page.keyboard.press("Enter");
  await row(page, "Focused").getByText("disabled").waitFor();
  await settled(page);
  await eventually(async () => (await focused()) === "Enable", "the focus is on the same button");

  await row(page, "Focused").getByRole("button", { name: "Delete" }).focus();
  await page.keyboard.press("Enter");
  await press(page, page.getByRole("dialog"), "Delete");
  await row(page, "Focused").waitFor({ state: "detached" });
  await eventually(async () => (await focused()) === "API keys", "the focus is on the heading");
});

// Without being told, a gateway would ask again after 45 s.
const becomes = (key, status) => eventually(async () => (await asked(key)).status === status, `the key gets ${status}`, 20000);

browse("an expiry is set, extended and cleared", {}, async (page) => {
  const center = await provisioned();
  await keyOf(center, "Passing", ["nexus:consumer:chat"]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  const expires = async () =>
    (await ask(center.administrator, "GET", "/nexus/v3/apikeys")).data.keys.find(({ name }) => name === "Passing").expires;
  const change = async (work) => {
    await press(page, row(page, "Passing"), "Expiry");
    const dialog = page.getByRole("dialog");
    await work(dialog);
    await press(page, dialog, "Save");
    await dialog.waitFor({ state: "detached" });
    await settled(page);
  };

  await change((dialog) => dialog.getByLabel("Expires").fill("2031-05-06T07:08"));
  assert.equal(new Date(await expires()).toISOString(), "2031-05-06T07:08:00.000Z");
  await row(page, "Passing").getByText("6 May 2031").waitFor();
  await change((dialog) => press(page, dialog, "+ 30 days"));
  assert.equal(new Date(await expires()).toISOString(), "2031-06-05T07:08:00.000Z");
  await change((dialog) => press(page, dialog, "Never"));
  assert.equal(await expires(), false);
});

browse("a key is duplicated under the next name", {}, async (page) => {
  const center = await provisioned();
  await keyOf(center, "Shop", ["nexus:consumer:chat", "nexus:designer:chat"], { capacity: 7, frequency: 9 });
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  await press(page, row(page, "Shop"), "Duplicate");
  const dialog = page.getByRole("dialog", { name: /^Create/ });
  assert.equal(await dialog.getByLabel("Name").inputValue(), "Shop_1");
  await press(page, dialog, "Create");
  await press(page, page.getByRole("dialog"), "I have stored it");
  const copy = row(page, "Shop_1");
  await copy.getByText("7 in 9 s").waitFor();
  await copy.getByText("nexus:designer:chat").waitFor();
});

browse("a key is deleted after a confirmation, and refused from then on", {}, async (page) => {
  const center = await provisioned();
  const key = await keyOf(center, "Leaving", ["nexus:agent:chat"]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);

  await press(page, row(page, "Leaving"), "Delete");
  await press(page, page.getByRole("dialog"), "Cancel");
  assert.equal((await asked(key.id)).status, 200);
  assert.equal(await row(page, "Leaving").getByRole("button", { name: "Delete" }).evaluate((button) => button === document.activeElement), true);

  await press(page, row(page, "Leaving"), "Delete");
  await press(page, page.getByRole("dialog"), "Delete");
  await row(page, "Leaving").waitFor({ state: "detached" });
  await becomes(key.id, 401);
});

browse("a key without a permission is not requested", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  await press(page, page, "Create a key");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Nothing");
  await press(page, dialog, "Create");
  await dialog.getByText("Choose at least one.").waitFor();
});

browse("an operator makes a key for every contact center", {}, async (page) => {
  const name = `Aggregator ${contactCenter().ccid.slice(0, 8)}`;
  await logIn(page, operator(), "#/keys");
  await settled(page);
  const { shown, key } = await create(page, name, "Cluster: callbacks");
  assert.match(key, /^[0-9a-f-]{36}$/);
  await press(page, shown, "I have stored it");
  const found = (await ask(operator(), "GET", "/nexus/v3/apikeys?tenant=*&count=1000")).data.keys.find((one) => one.name === name);
  assert.equal(found.tenant, "*");
});

browse("a key is made with the keyboard alone", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute("aria-label") || document.activeElement?.tagName);
  const tabTo = async (words) => {
    for (let i = 0; i < 40; i++) {
      if ((await focused())?.startsWith(words)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`Tab does not lead to ${words}`);
  };

  await page.reload();
  await settled(page);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Skip to the content");
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(ring, "none", "the focus is visible");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "API keys");
  await tabTo("Create a key");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();

  assert.equal(await page.evaluate(() => document.activeElement.closest("dialog") !== null), true, "the dialog has the focus");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null);
    assert.ok(inside, "the focus stays in the dialog");
  }
  await tabTo("Create");
  await page.keyboard.press("Enter");
  const shown = page.getByRole("dialog").filter({ hasText: "not shown again" });
  await shown.waitFor();
  await tabTo("I have stored it");
  await page.keyboard.press("Enter");
  await row(page, "By keyboard").waitFor();
  assert.equal(await focused(), "Create a key", "the focus is back where it came from");
});

