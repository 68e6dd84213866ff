import assert from "node:assert/strict";
import { browse, fits, logIn, PHONE, picture, says } from "../harness/browser.mjs";
import { answered, fault, operator, sending } from "../harness/nexus.mjs";

const hop = (page, name) => page.locator(`[data-hop=${name}]`);

browse("the pipeline shows rates while messages pass", {}, async (page) => {
  const center = await sending();
  await logIn(page, operator(), "#/pipeline");
  await page.locator(".hop").first().waitFor();
  assert.deepEqual(await page.locator(".hop h2").evaluateAll((titles) => titles.map((title) => title.firstChild.textContent.trim())), [
    "HTTP in", "Bus", "Commit", "Claim", "Send", "Retry", "Outcome", "Receipt",
  ]);
  let over = false;
  const load = (async () => {
    while (!over) await answered(center);
  })();
  try {
    for (const name of ["http", "bus", "commit", "claim", "send", "outcome"])
      await page.locator(`[data-hop=${name}].good`).filter({ hasNotText: /^0 \/s/ }).waitFor();
    await picture(page, "pipeline-under-load");
  } finally {
    over = true;
    await load;
  }
  await hop(page, "send").getByText("More").click();
  await hop(page, "send").getByText("Webhooks to providers.").waitFor();
});

// The hop is red only while a reading covers failed attempts. After two failed connections the breaker is open for half a minute, in
// which nothing is tried. So the test begins to watch before the first message.
browse("a dead destination is shown in red, is announced, and fits on a phone", { viewport: PHONE }, async (page) => {
  const center = await sending(undefined, "http://127.0.0.1:1/");
  await logIn(page, operator(), "#/pipeline");
  await hop(page, "send").locator(".rate strong").filter({ hasText: /^0$/ }).waitFor(); // earlier successes would make the share of failures too small
  const red = page.locator("[data-hop=send].bad").waitFor().then(async () => {
    await fits(page, "the pipeline");
    await picture(page, "pipeline-dead-destination-phone");
  });
  const told = says(page, /Send: \d+ % goes wrong/);
  for (let i = 0; i < 3; i++) await answered(center);
  await Promise.all([red, told]);
  await says(page, /Send: \d+ destinations? (is|are) left alone/);
  await hop(page, "send").getByText("left alone").waitFor();
});

browse("the keyboard pauses the pipeline and opens the details of a hop", {}, async (page) => {
  await logIn(page, operator(), "#/pipeline");
  await page.locator(".hop").first().waitFor();
  await page.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Resume" }).waitFor();
  const read = await page.locator("section > p time").getAttribute("datetime");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await hop(page, "http").getByText("Requests from aggregators").waitFor();
  assert.equal(await page.locator("section > p time").getAttribute("datetime"), read, "a paused page does not change");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction((before) => document.querySelector("section > p time").dateTime !== before, read);
});

browse("while PostgreSQL is stopped, the hop commit is red, and afterwards good again", { refusals: [503], colorScheme: "dark" }, async (page) => {
  await logIn(page, operator(), "#/pipeline");
  await page.locator(".hop").first().waitFor();
  await fault("stop-postgresql");
  try {
    await page.locator("[data-hop=commit].bad").getByText("PostgreSQL does not answer").waitFor();
    await picture(page, "pipeline-without-postgresql");
  } finally {
    await fault("start-postgresql");
  }
  await page.locator("[data-hop=commit]:not(.bad)").waitFor();
});
