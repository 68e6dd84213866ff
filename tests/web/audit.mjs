import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browse, fits, logIn, PHONE, picture, press, row, settled } from "./browser.mjs";
import { ask, keyOf, operator, PROVISIONING, provisioned } from "./nexus.mjs";

// A contact center whose endpoints were changed so often.
async function changed(times) {
  const center = await provisioned();
  for (let i = 0; i < times; i++)
    await ask(center.administrator, "PUT", `${PROVISIONING}/transactions/${center.ccid}/NexusEndpoints/e${i}`, { queue: "q" });
  return center;
}

browse("who changed what stands in the audit log, and is found by actor, action, object and time", {}, async (page) => {
  const center = await changed(2);
  await keyOf(center, "=1+1", ["nexus:consumer:chat"]);
  await logIn(page, center.administrator, "#/audit");
  await settled(page);
  await row(page, "key.create").getByText("session").or(row(page, "key.create").getByText("token")).first().waitFor();
  const search = async (label, text) => {
    await press(page, page, "Clear");
    await page.getByLabel(label).fill(text);
    await press(page, page, "Search");
    await settled(page);
  };

  await search("Action", "transaction.change");
  assert.equal(await page.locator("tbody tr").count(), 2);
  await search("Object", "NexusEndpoints/e1");
  assert.equal(await page.locator("tbody tr").count(), 1);
  await search("Who", "nobody-of-this-name");
  await page.getByText("Nobody changed anything that matches.").waitFor();
  await search("Since", "2035-01-01T00:00");
  await page.getByText("Nobody changed anything that matches.").waitFor();
  await search("Before", "2035-01-01T00:00");
  await row(page, "key.create").waitFor();
});

browse("a long log is read page by page, and saved as a file that a spreadsheet takes for text", {}, async (page) => {
  const center = await changed(104);
  await keyOf(center, "=1+1", ["nexus:consumer:chat"]);
  await logIn(page, operator(), `#/${center.ccid}/audit`);
  await settled(page);
  assert.equal(await page.locator("tbody tr").count(), 100);
  await page.getByRole("button", { name: /Show more/ }).click();
  await row(page, "tenant.provision").waitFor();
  assert.equal(await page.getByRole("button", { name: /Show more/ }).count(), 0);

  await page.getByLabel("Object").fill("");
  const [file] = await Promise.all([page.waitForEvent("download"), press(page, page, "Export")]);
  assert.equal(file.suggestedFilename(), "audit.csv");
  const lines = readFileSync(await file.path(), "utf8").trimEnd().split("\r\n");
  assert.equal(lines[0], '"at","tenant","actor","actorname","credential","address","action","object","fields"');
  assert.equal(lines.length, 1 + (await page.locator("tbody tr").count()));
  assert.ok(!lines.some((line) => line.includes(',"=')));
});

browse("the audit log fits on a phone", { viewport: PHONE, colorScheme: "dark" }, async (page) => {
  const center = await changed(3);
  await logIn(page, operator(), "#/audit");
  await settled(page);
  await row(page, center.ccid).first().waitFor();
  await fits(page, "the audit log");
  await picture(page, "audit-phone-of-all");
});
