import assert from "node:assert/strict";
import { browse, fits, logIn, panel, PHONE, picture, row, settled } from "../harness/browser.mjs";
import { answered, ask, eventually, knobs, phone, sending } from "../harness/nexus.mjs";

// An outbound message that the contact center's gateway has refused for good.
async function refused(center, number = phone()) {
  await knobs(center, { status: 400 });
  const id = await answered(center, number);
  await eventually(
    async () => (await ask(center.administrator, "GET", "/nexus/v3/undelivered")).data.undelivered.some((one) => one.id === id),
    "it has failed for good",
  );
  return id;
}

browse("the undelivered list opens the history of a message", {}, async (page) => {
  const [center, number] = [await sending(), phone()];
  const id = await refused(center, number);
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
  assert.ok(!text.includes(center.number) && !text.includes(number.slice(1, 10)), "no number is shown");
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

browse("an operator sees the messages of the chosen contact center", {}, async (page) => {
  const center = await sending();
  const id = await refused(center);
  await logIn(page, center.operator, `#/${center.ccid}/message/${id}`);
  await settled(page);
  await row(page, "accepted").waitFor();
  await panel(page, `#/${center.ccid}/undelivered`);
  await row(page, id).getByRole("link").click();
  await row(page, "undelivered").waitFor();
});
