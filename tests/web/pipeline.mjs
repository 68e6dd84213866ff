import assert from "node:assert/strict";
import { browse, fits, logIn, PHONE, picture, settled } from "./browser.mjs";
import { answered, fault, operator, sending } from "./nexus.mjs";

const hop = (page, name) => page.locator(`[data-hop=${name}]`);

browse("the pipeline moves while messages pass", {}, async (page) => {
  const center = await sending();
  await logIn(page, operator(), "#/pipeline");
  await settled(page);
  assert.deepEqual(await page.locator(".hop h2").evaluateAll((titles) => titles.map((title) => title.firstChild.textContent.trim())), [
    "HTTP in", "Bus", "Commit", "Claim", "Send", "Retry", "Outcome", "Receipt",
  ]);
  let over = false;
  const load = (async () => {
    while (!over) await answered(center);
  })();
  for (const name of ["http", "bus", "commit", "claim", "send", "outcome"])
    await page.locator(`[data-hop=${name}].good`).filter({ hasNotText: /^0 \/s/ }).waitFor();
  await picture(page, "pipeline-under-load");
  over = true;
  await load;
  await hop(page, "send").getByText("More").click();
  await hop(page, "send").getByText("Webhooks to providers.").waitFor();
});

browse("a dead destination shows as red, is told, and fits on a phone", { viewport: PHONE }, async (page) => {
  const center = await sending(undefined, "http://127.0.0.1:1/");
  await logIn(page, operator(), "#/pipeline");
  await settled(page);
  for (let i = 0; i < 6; i++) await answered(center);
  await page.locator("[data-hop=send].bad").waitFor({ timeout: 60000 }); // after as many attempts as the breaker wants
  await page.getByRole("status").filter({ hasText: "Send:" }).waitFor();
  await fits(page, "the pipeline");
  await picture(page, "pipeline-dead-destination-phone");
  await page.locator("[data-hop=send]").getByText("left alone").waitFor({ timeout: 40000 });
});

browse("the keyboard pauses the picture and opens what a hop is", {}, async (page) => {
  await logIn(page, operator(), "#/pipeline");
  await settled(page);
  await page.getByRole("button", { name: "Pause" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Go on" }).waitFor();
  const read = await page.locator("section > p time").getAttribute("datetime");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await hop(page, "http").getByText("Requests from aggregators").waitFor();
  assert.equal(await page.locator("section > p time").getAttribute("datetime"), read, "a paused picture stands still");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction((before) => document.querySelector("section > p time").dateTime !== before, read);
});

browse("while PostgreSQL is stopped, commit is red, and turns well again", { refusals: [503], colorScheme: "dark" }, async (page) => {
  await logIn(page, operator(), "#/pipeline");
  await settled(page);
  await fault("stop-postgresql");
  try {
    await page.locator("[data-hop=commit].bad").getByText("PostgreSQL does not answer").waitFor();
    await picture(page, "pipeline-without-postgresql");
  } finally {
    await fault("start-postgresql");
  }
  await page.locator("[data-hop=commit]:not(.bad)").waitFor({ timeout: 60000 });
});
