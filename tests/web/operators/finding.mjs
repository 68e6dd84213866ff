// The overview, the list of messages and the list of conversations.
import assert from "node:assert/strict";
import { browse, logIn, panel, picture, press, row, says, settled } from "../harness/browser.mjs";
import { answered, ask, eventually, knobs, operator, sending } from "../harness/nexus.mjs";

browse("the overview shows health, balance and the latest messages, with links", {}, async (page) => {
  const center = await sending();
  const message = await answered(center);
  await logIn(page, center.administrator);
  await settled(page);

  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.locator(".card").filter({ hasText: "Ledger today" }).getByText("balanced").waitFor();
  await row(page, message).waitFor();
  await picture(page, "overview");

  await page.getByRole("link", { name: message }).click();
  await page.getByRole("heading", { level: 1, name: "Explain a message" }).waitFor();
});

browse("an operator's overview covers all contact centers", {}, async (page) => {
  await logIn(page, operator());
  await settled(page);
  await page.locator(".card").filter({ hasText: "Health" }).waitFor();
  await page.getByRole("link", { name: "Choose a contact center" }).click();
  await page.getByRole("heading", { level: 1, name: "Contact centers" }).waitFor();
});

browse("messages are filtered, and link to their conversation and back", {}, async (page) => {
  const center = await sending();
  const first = await answered(center);
  const second = await answered(center);
  await logIn(page, center.administrator, "#/messages");
  await settled(page);
  assert.equal(await page.locator("tbody tr").count(), 4);

  await page.getByLabel("Direction").selectOption("out");
  await eventually(async () => (await page.locator("tbody tr").count()) === 2, "only the two outbound messages are shown");
  assert.deepEqual(await page.locator("tbody tr td.main").allTextContents(), [second, first]);

  await row(page, first).getByRole("link", { name: "show" }).click();
  await page.getByRole("heading", { level: 1, name: "Messages of a conversation" }).waitFor();
  await eventually(async () => (await page.locator("tbody tr").count()) === 2, "both messages of the conversation");
  await picture(page, "messages-of-a-conversation");
});

browse("an invalid filter is reported once, at its field", { refusals: [400] }, async (page) => {
  const center = await sending();
  await logIn(page, center.administrator);
  for (const one of ["Messages", "Conversations"]) {
    await panel(page, `#/${one.toLowerCase()}`);
    await page.getByRole("heading", { level: 1, name: one }).waitFor();
    await page.getByLabel("Phone number").fill("5".repeat(300));
    await page.keyboard.press("Enter");
    const field = page.locator("[aria-invalid=true]");
    await field.waitFor();
    await page.getByRole("alert").getByText("See the marked field.").waitFor();
    const rule = await page.locator(".field .fault").textContent();
    assert.equal((await page.locator("main").textContent()).split(rule).length, 2, `${one}: ${rule}`);
    assert.ok(await field.evaluate((input) => input === document.activeElement));
  }
});

browse("a message that failed shows its conversation, and is sent again from there", {}, async (page) => {
  const center = await sending();
  await knobs(center, { status: 400 });
  const message = await answered(center);
  const failed = async () => (await ask(center.administrator, "GET", "/nexus/v3/undelivered")).data.undelivered.length === 1;
  await eventually(failed, "it has failed for good");
  await knobs(center, { status: 0 });
  await logIn(page, center.administrator, `#/message/${message}`);
  await settled(page);

  await page.locator(".verdict.broken").getByRole("link", { name: /^[0-9a-f-]{36}$/ }).waitFor();
  await press(page, page, "Replay");
  await press(page, page.getByRole("dialog"), "Replay");
  await says(page, "The message is being sent again.");
  await eventually(async () => !(await failed()), "it is under way again");
});

browse("conversations link to their messages", {}, async (page) => {
  const center = await sending();
  await answered(center);
  await logIn(page, center.administrator, "#/conversations");
  await settled(page);
  await picture(page, "conversations");
  await page.locator("tbody tr td.main a").first().click();
  await page.getByRole("heading", { level: 1, name: "Messages of a conversation" }).waitFor();
  await panel(page, "#/conversations");
  await page.getByLabel("State").selectOption("done");
  await page.getByText("No conversations.").waitFor();
  await press(page, page, "Read again");
});

browse("the document's title is always that of the panel that is shown", {}, async (page) => {
  await logIn(page, operator());
  await settled(page);
  await page.evaluate(() => {
    window.behind = [];
    new MutationObserver(() => {
      const heading = document.querySelector("h1")?.textContent;
      if (heading && !document.title.startsWith(heading)) window.behind.push(`${heading}: ${document.title}`);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  for (const one of ["keys", "services", "audit", "numbers", "ledger"]) {
    await page.evaluate((hash) => (location.hash = hash), `#/${one}`);
    await page.locator(`a[aria-current=page][href="#/${one}"]`).waitFor();
  }
  await settled(page); // a request that is still under way would be refused after the log-out
  await press(page, page, "Log out");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  assert.equal(await page.title(), "Nexus administration");
  assert.deepEqual(await page.evaluate(() => window.behind), []);
});
