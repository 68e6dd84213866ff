import assert from "node:assert/strict";
import { browse, logIn, panel, press, row, settled } from "../harness/browser.mjs";
import { contactCenter, operator, PASSWORD, provisioned, simulator, url } from "../harness/nexus.mjs";

async function provision(page, center) {
  await press(page, page, "Provision");
  const dialog = page.getByRole("dialog", { name: "Provision a contact center" });
  await dialog.getByLabel("Contact center id").fill(center.ccid);
  await dialog.getByLabel("Name", { exact: true }).fill(center.name);
  await dialog.getByLabel("Backend URL").fill(simulator);
  await dialog.getByLabel("User name").fill("nexus");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await press(page, dialog, "Provision");
  return dialog;
}

browse("an operator provisions a contact center, copies its key once, and finds it in the list", {}, async (page) => {
  const center = contactCenter();
  await logIn(page, operator(), "#/tenants");
  await settled(page);
  await provision(page, center);
  const shown = page.getByRole("dialog").filter({ hasText: "not shown again" });
  const key = await shown.getByLabel("The new key").inputValue();
  assert.match(key, /^[0-9a-f-]{36}$/);
  await press(page, shown, "I have stored it");
  await row(page, center.name).waitFor();
  assert.ok(!(await page.content()).includes(key));
});

browse("an operator chooses a contact center and sees its name at the top", {}, async (page) => {
  const center = await provisioned();
  await logIn(page, operator(), "#/tenants");
  await settled(page);
  const search = page.getByLabel("Search");
  if (await search.count()) await search.fill(center.name);
  await page.getByRole("link", { name: center.name }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.getByRole("banner").getByText(center.name).waitFor();
});

browse("an error of the server is shown at the field", { refusals: [400] }, async (page) => {
  await logIn(page, operator(), "#/tenants");
  await settled(page);
  const dialog = await provision(page, { ...contactCenter(), ccid: "no-uuid" });
  await dialog.getByRole("alert").waitFor();
  assert.equal(await dialog.getByLabel("Contact center id").getAttribute("aria-invalid"), "true");
});

browse("a panel of one contact center asks an operator to choose first", {}, async (page) => {
  await logIn(page, operator(), "#/tenants");
  await page.goto(`${url}/admin/#/services`);
  await page.getByRole("heading", { name: "Which contact center?" }).waitFor();
  await page.getByRole("link", { name: "Choose one" }).click();
  await settled(page);
  await page.getByRole("heading", { name: "Contact centers" }).waitFor();
});

browse("a name of another contact center is refused, and nothing is changed", { refusals: [409] }, async (page) => {
  const taken = await provisioned();
  await logIn(page, operator(), "#/tenants");
  await settled(page);
  const dialog = await provision(page, { ...contactCenter(), name: taken.name });
  await dialog.getByText("This conflicts with what is stored").waitFor();
  await press(page, dialog, "Cancel");
  await panel(page, "#/ledger");
  await panel(page, "#/tenants");
  assert.equal(await row(page, taken.name).count(), 1);
});
