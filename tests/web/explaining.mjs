import assert from "node:assert/strict";
import { browse, fits, logIn, panel, PHONE, picture, row, settled } from "./browser.mjs";
import { answered, ask, eventually, knobs, sending } from "./nexus.mjs";

// An answer that the center's gateway has refused for good.
async function refused(center) {
  await knobs(center, { status: 400 });
  const id = await answered(center);
  await eventually(
    async () => (await ask(center.administrator, "GET", "/nexus/v3/undelivered")).data.undelivered.some((one) => one.id === id),
    "it has failed for good",
  );
  return id;
}

browse("the undelivered list opens what became of a message", {}, async (page) => {
  const center = await sending();
  const id = await refused(center);
  await logIn(page, center.administrator, "#/undelivered");
  await settled(page);
  await row(page, id).getByRole("link").click();
  await page.getByRole("heading", { level: 1, name: "Explain a message" }).waitFor();
  await settled(page);

  assert.deepEqual(await page.locator("td.main").allTextContents(), ["accepted", "claimed", "attempt 1", "undelivered"]);
  await row(page, "attempt 1").locator("span").getByText("400 after").waitFor();
  await row(page, "attempt 1").getByText("Exchange").click();
  await row(page, "attempt 1").getByText("X-Hub-Signature-256: ***").waitFor();
  assert.equal(await page.getByLabel("Message").inputValue(), id);
  await picture(page, "message");
  const text = await page.locator("main").textContent();
  assert.ok(!text.includes(center.number) && !/1555\d{5}/.test(text), "no number is shown");
});

browse("a message is looked up by hand, with the keyboard alone, on a phone", { viewport: PHONE, refusals: [404] }, async (page) => {
  const center = await sending();
  const id = await refused(center);
  await logIn(page, center.administrator, "#/message");
  await settled(page);
  await page.getByLabel("Message").focus();
  await page.keyboard.type("nobody's");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("No message is called \"nobody's\".").waitFor();
  await page.getByLabel("Message").fill(id);
  await page.keyboard.press("Enter");
  await row(page, "undelivered").waitFor();
  await picture(page, "message-phone");
  await fits(page, "the timeline");
});

browse("an operator reads of the contact center that was chosen", {}, async (page) => {
  const center = await sending();
  const id = await refused(center);
  await logIn(page, center.operator, `#/${center.ccid}/message/${id}`);
  await settled(page);
  await row(page, "accepted").waitFor();
  await panel(page, `#/${center.ccid}/undelivered`);
  await row(page, id).getByRole("link").click();
  await row(page, "undelivered").waitFor();
});
