// Sorted lists: the server sorts lists that come in pages, the page sorts complete lists.
import assert from "node:assert/strict";
import { browse, fits, logIn, panel, PHONE, picture, press, row, says, settled } from "../harness/browser.mjs";
import { answered, ask, eventually, keyOf, knobs, operator, sending } from "../harness/nexus.mjs";

const title = (page, name) => page.getByRole("columnheader", { name });
const shown = (page) => page.getByRole("table", { name: "Undelivered messages", exact: true }).locator("tbody td.main code").allTextContents();
const undelivered = async (center, query = "") => (await ask(center.administrator, "GET", `/nexus/v3/undelivered${query}`)).data.undelivered;

// Ids of outbound messages that failed for good, the oldest first; one for each of these statuses.
async function refused(center, statuses) {
  const ids = [];
  for (const status of statuses) {
    await knobs(center, { status });
    ids.push(await answered(center));
    await eventually(async () => (await undelivered(center)).length === ids.length, "it has failed for good");
  }
  await knobs(center, { status: 0 });
  return ids;
}

browse("undelivered messages are sorted by a column with the keyboard alone, and the address keeps the order", {}, async (page) => {
  const center = await sending();
  const [low, high, middle] = await refused(center, [400, 422, 415]);
  await logIn(page, center.administrator, "#/undelivered");
  await settled(page);
  assert.deepEqual(await shown(page), [middle, high, low], "the latest first");
  assert.equal(await title(page, "Since").getAttribute("aria-sort"), "descending");
  assert.equal(await title(page, "Last status").getAttribute("aria-sort"), "none");

  await title(page, "Last status").getByRole("button").focus();
  await page.keyboard.press("Enter");
  await eventually(async () => (await shown(page))[0] === high, "the largest status comes first");
  assert.deepEqual(await shown(page), [high, middle, low]);
  assert.equal(await title(page, "Last status").getAttribute("aria-sort"), "descending");
  await page.keyboard.press("Enter");
  await eventually(async () => (await shown(page))[0] === low, "the smallest status comes first");
  assert.equal(await title(page, "Last status").getAttribute("aria-sort"), "ascending");
  await page.getByLabel("Reason").selectOption("refused");
  await settled(page);
  await picture(page, "undelivered-sorted");

  await page.reload();
  await settled(page);
  assert.deepEqual(await shown(page), [low, middle, high], "as it was before");
  assert.equal(await page.getByLabel("Reason").inputValue(), "refused");
  await page.getByRole("link", { name: "Undelivered" }).click();
  await eventually(async () => (await shown(page))[0] === middle, "the panel's link restores the usual order");
});

browse("sorting covers all pages of a list, and shows each message once", {}, async (page) => {
  const center = await sending();
  const statuses = [400, 422, 415, 400, 413];
  const ids = await refused(center, statuses);
  await page.route("**/nexus/v3/undelivered?*", (route) => route.continue({ url: route.request().url().replace("count=100", "count=2") }));
  await logIn(page, center.administrator, "#/undelivered?sort=status&order=asc");
  await settled(page);
  for (let seen = 2; seen < ids.length; seen += 2) await press(page, page, `Show more (${seen} of ${ids.length})`);
  await eventually(async () => (await shown(page)).length === ids.length, "all messages are shown");
  assert.deepEqual(await shown(page), [ids[0], ids[3], ids[4], ids[2], ids[1]]);
});

browse("an operator sees at which destinations messages failed, and replays those of one", {}, async (page) => {
  const one = await sending();
  const other = await sending();
  await refused(one, [400, 400]);
  await refused(other, [400]);
  await logIn(page, operator(), "#/undelivered");
  await settled(page);
  const groups = page.getByRole("table", { name: "Undelivered messages by destination" });
  const group = groups.getByRole("row").filter({ hasText: one.number });
  await group.getByRole("cell", { name: "2", exact: true }).waitFor();
  await picture(page, "undelivered-by-destination");

  await press(page, group, "Replay");
  await page.getByRole("dialog").getByText(`of +${one.number}`).waitFor();
  await press(page, page.getByRole("dialog"), "Replay");
  await says(page, "2 messages are being sent again.");
  await group.waitFor({ state: "detached" });
  assert.equal((await undelivered(other)).length, 1, "the other's stay");
  const folded = page.locator("details:not([open]) > summary").filter({ hasText: "By destination" });
  if (await folded.count()) await folded.click(); // only one destination is left, if no other test has left some
  await groups.getByRole("row").filter({ hasText: other.number }).getByTitle("Its state").click();
  await page.getByRole("heading", { level: 1, name: "Destinations" }).waitFor();
  await row(page, other.number).waitFor();
});

browse("the page sorts complete lists", {}, async (page) => {
  const center = await sending();
  for (const name of ["key 10", "key 9", "Key 1"]) await keyOf(center, name, ["nexus:designer:chat"]);
  const names = async () => (await page.locator("tbody td.main").allInnerTexts()).map((text) => text.split("\n")[0]);
  await logIn(page, center.administrator, "#/keys");
  await settled(page);
  await press(page, title(page, "Name"), "Name");
  assert.deepEqual((await names()).filter((name) => /^key/i.test(name)), ["Key 1", "key 9", "key 10"]);
  assert.equal(await title(page, "Name").getAttribute("aria-sort"), "ascending");
  await press(page, title(page, "Name"), "Name");
  assert.deepEqual((await names()).filter((name) => /^key/i.test(name)), ["key 10", "key 9", "Key 1"]);
  await panel(page, "#/destinations?sort=Waiting&order=desc");
  assert.equal(await title(page, "Waiting").getAttribute("aria-sort"), "descending");
  assert.equal(await page.getByRole("columnheader", { name: "Actions" }).getByRole("button").count(), 0);
});

browse("filters are in the address, phone numbers are not", {}, async (page) => {
  const center = await sending();
  await answered(center);
  await logIn(page, center.administrator, "#/messages");
  await settled(page);
  await page.getByLabel("Direction").selectOption("out");
  await page.getByLabel("Phone number").fill("+15551230001");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.ok(page.url().endsWith("#/messages?direction=out"), page.url());
  await page.reload();
  await settled(page);
  assert.equal(await page.getByLabel("Direction").inputValue(), "out");
});

browse("undelivered messages can be sorted on a phone too", { viewport: PHONE }, async (page) => {
  const center = await sending();
  const [low, high] = await refused(center, [400, 422]);
  await logIn(page, center.administrator, "#/undelivered");
  await settled(page);
  await page.getByRole("button", { name: "Last status" }).click();
  await eventually(async () => (await shown(page))[0] === high, "the largest status comes first");
  await page.getByRole("button", { name: "Last status" }).click();
  await eventually(async () => (await shown(page))[0] === low, "the smallest status comes first");
  await fits(page, "the sorted list");
  await picture(page, "undelivered-sorted-phone");
});
