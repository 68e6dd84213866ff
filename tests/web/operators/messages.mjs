import assert from "node:assert/strict";
import { browse, logIn, press, row, says, settled } from "../harness/browser.mjs";
import { answered, ask, eventually, knobs, sending } from "../harness/nexus.mjs";

const undelivered = async (center) => (await ask(center.administrator, "GET", "/nexus/v3/undelivered")).data.undelivered;

// Outbound messages that the contact center's gateway has refused for good.
async function failed(center, count) {
  await knobs(center, { status: 400 });
  const ids = [];
  for (let i = 0; i < count; i++) ids.push(await answered(center));
  await eventually(async () => (await undelivered(center)).length === count, "all have failed for good");
  await knobs(center, { status: 0 });
  return ids;
}

browse("selected messages are sent again, and the others stay", {}, async (page) => {
  const center = await sending();
  const [first, second] = await failed(center, 2);
  await logIn(page, center.administrator, "#/undelivered");
  await settled(page);
  await row(page, first).getByRole("checkbox").check();
  await press(page, page, "Replay 1 selected");
  await press(page, page.getByRole("dialog"), "Replay");
  await says(page, "1 message is being sent again.");
  await row(page, first).waitFor({ state: "detached" });
  await row(page, second).waitFor();
  assert.deepEqual((await undelivered(center)).map(({ id }) => id), [second]);
});

browse("all messages that match a filter are sent again", {}, async (page) => {
  const center = await sending();
  await failed(center, 3);
  await logIn(page, center.administrator, "#/undelivered");
  await settled(page);
  assert.ok(await page.getByRole("button", { name: "Replay all that match the filter" }).isDisabled(), "it is disabled without a filter");

  await page.getByLabel("Failed before").fill("2020-01-01T00:00");
  await page.getByText("No undelivered message matches.").waitFor();
  await page.getByLabel("Failed before").fill("");
  await page.getByLabel("Failed since").fill("2020-01-01T00:00");
  await page.getByLabel("Number").selectOption({ index: 1 });
  await press(page, page, "Replay all that match the filter");
  await press(page, page.getByRole("dialog"), "Replay");
  await says(page, "3 messages are being sent again.");
  await page.getByText("No undelivered message matches.").waitFor();
});

browse("the ledger shows the equation of each number", {}, async (page) => {
  const center = await sending();
  await failed(center, 1);
  await logIn(page, center.administrator, "#/ledger");
  await settled(page);
  await page.getByText("Balanced.").waitFor();
  await row(page, "from consumers").getByText("1 accepted = 1 received").waitFor();
  await row(page, "to consumers").getByText("1 accepted = 1 failed").waitFor();
  assert.equal(await page.locator(".remainder").count(), 0);
});

browse("a remainder in the ledger is shown in red and announced", {}, async (page) => {
  const center = await sending();
  await answered(center);
  await page.route("**/nexus/v3/ledger*", async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    Object.assign(json.data, { balanced: false, remainder: 2 });
    json.data.rows[0].imbalance = json.data.totals.imbalance = 2;
    await route.fulfill({ response: answer, json });
  });
  await logIn(page, center.administrator, "#/ledger");
  await settled(page);
  await page.getByRole("alert").getByText("A remainder of 2").waitFor();
  const [red, green, blue] = await page.locator("td .remainder").first().evaluate((cell) => getComputedStyle(cell).color.match(/\d+/g).map(Number));
  assert.ok(red > 2 * green && red > 2 * blue, `${red} ${green} ${blue}`);
});
