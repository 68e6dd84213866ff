import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browse, fits, logIn, PHONE, picture, press, row, settled } from "../harness/browser.mjs";
import { ask, keyOf, operator, PROVISIONING, provisioned, url } from "../harness/nexus.mjs";

// A contact center whose endpoints were changed this many times.
async function changed(times) {
  const center = await provisioned();
  for (let i = 0; i < times; i++)
    await ask(center.administrator, "PUT", `${PROVISIONING}/transactions/${center.ccid}/NexusEndpoints/e${i}`, { queue: "q" });
  return center;
}

async function changedBy(key, center) {
  const answer = await fetch(`${url}${PROVISIONING}/transactions/${center.ccid}/NexusEndpoints/by_a_key`, {
    method: "PUT",
    body: JSON.stringify({ queue: "q" }),
    headers: { authorization: `Bearer ${key.id}`, "x-ccid": center.ccid, "content-type": "application/json" },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
}

browse("changes are in the audit log, and are found by actor, action, object and time", {}, async (page) => {
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
  await page.getByText("No change matches.").waitFor();
  await search("Since", "2035-01-01T00:00");
  await page.getByText("No change matches.").waitFor();
  await search("Before", "2035-01-01T00:00");
  await row(page, "key.create").waitFor();
});

browse("a long log is read page by page, and saved as a file that a spreadsheet reads as text", {}, async (page) => {
  const center = await changed(103);
  const key = { enabled: true, tenant: "*", name: "=1+1", permissions: ["nexus:cluster:*"] };
  await changedBy(await ask(operator(), "POST", "/nexus/v3/apikeys", key), center);
  await logIn(page, operator(), `#/${center.ccid}/audit`);
  await settled(page);
  assert.equal(await page.locator("tbody tr").count(), 100);
  await page.getByRole("button", { name: /Show more/ }).click();
  await row(page, "tenant.provision").waitFor();
  assert.equal(await page.getByRole("button", { name: /Show more/ }).count(), 0);

  const [file] = await Promise.all([page.waitForEvent("download"), press(page, page, "Export")]);
  assert.equal(file.suggestedFilename(), "audit.csv");
  const lines = readFileSync(await file.path(), "utf8").trimEnd().split("\r\n");
  assert.equal(lines[0], '"at","tenant","actor","actorname","credential","address","action","object","fields"');
  assert.equal(lines.length, 1 + (await page.locator("tbody tr").count()));
  assert.ok(lines.some((line) => line.includes(`,"'=1+1",`)), "the key's name is not a formula");
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
