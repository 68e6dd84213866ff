// How it looks: nothing is cut off on a phone, and both colour schemes can be read.
import assert from "node:assert/strict";
import { browse, fits, logIn, panel, PHONE, picture, press, row, settled } from "./browser.mjs";
import { answered, ask, contactCenter, keyOf, operator, PROVISIONING, sending, simulator } from "./nexus.mjs";

const PANELS = ["overview", "messages", "conversations", "tenants", "keys", "services", "numbers", "endpoints", "undelivered", "message", "destinations", "ledger", "pipeline", "audit"];
const OF_ONE = ["messages", "conversations", "services", "numbers", "endpoints", "message"]; // an operator chooses whose first
const OF_ALL = PANELS.filter((one) => !OF_ONE.includes(one));
const LONG = "a_name_without_any_blank_that_goes_on_and_on_for_longer_than_a_phone_is_wide";

async function filled() {
  const center = await sending(contactCenter());
  await keyOf(center, LONG, ["nexus:consumer:chat", "nexus:designer:chat"], { expires: "2031-01-01T00:00:00Z" });
  await ask(center.administrator, "PUT", `${PROVISIONING}/transactions/${center.ccid}/NexusEndpoints/sales`, {
    queue: LONG.slice(0, 60), bot: `${simulator}/${LONG}`, greeting: LONG,
  });
  return center;
}

for (const [name, options] of [
  ["a phone, dark", { viewport: PHONE, colorScheme: "dark" }],
  ["a phone, light", { viewport: PHONE, colorScheme: "light" }],
  ["a desk, light", { colorScheme: "light" }],
  ["a desk, dark", { colorScheme: "dark" }],
])
  browse(`every panel and dialog fits on ${name}`, options, async (page) => {
    const center = await filled();
    await logIn(page, center.administrator);
    for (const one of PANELS) {
      await panel(page, `#/${one}`);
      await page.waitForFunction((words) => document.title.startsWith(words), await page.getByRole("heading", { level: 1 }).textContent());
      await fits(page, one);
      await picture(page, `${name.replace(/\W+/g, "-")}-${one}`);
    }
    const dialogs = [
      ["keys", () => press(page, page, "Create a key")],
      ["keys", () => press(page, row(page, LONG), "Expiry")],
      ["keys", () => press(page, row(page, LONG), "Delete")],
      ["services", () => press(page, page.locator("tbody tr").filter({ hasText: "Your own gateway" }), "Edit")],
      ["numbers", () => press(page, row(page, center.number), "Edit")],
      ["numbers", () => press(page, page, "Keywords")],
      ["tenants", () => press(page, row(page, center.name), "Edit")],
    ];
    for (const [i, [where, open]] of dialogs.entries()) {
      await panel(page, `#/${where}`);
      await open();
      const box = await page.getByRole("dialog").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= page.viewportSize().width, `dialog ${i} of ${where} is too wide`);
      const inside = await page.getByRole("dialog").evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
      assert.ok(inside <= 0, `dialog ${i} of ${where} scrolls sideways`);
      await picture(page, `${name.replace(/\W+/g, "-")}-dialog-${i}-${where}`);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  });

for (const width of [768, 1000, 1024, 1280, 1366])
  browse(`an operator's panels fit a window of ${width} px, whoever else there is`, { viewport: { width, height: 800 } }, async (page) => {
    const center = await filled();
    await answered(center);
    await logIn(page, operator());
    for (const one of [...OF_ALL, ...OF_ONE.map((name) => `${center.ccid}/${name}`)]) {
      await panel(page, `#/${one}`);
      await fits(page, one);
      await picture(page, `operator-${width}-${one.replace(/^.*\//, "one-")}`);
    }
  });

// Turns the pages of a list until it shows this: other tests have left more than one page.
async function leafedTo(page, wanted) {
  const more = page.getByRole("button", { name: /^Show more/ });
  for (await settled(page); !(await wanted.count()) && (await more.count()); await settled(page)) await more.click();
  await wanted.waitFor();
}

browse("contact centers are called by their names wherever they are listed", {}, async (page) => {
  const center = await sending();
  await keyOf(center, "a key", ["nexus:designer:chat"]);
  await logIn(page, operator());
  for (const one of ["keys", "destinations", "audit"]) {
    await panel(page, `#/${one}`);
    const link = page.getByRole("link", { name: center.name, exact: true }).first();
    await leafedTo(page, link);
    assert.equal(await link.getAttribute("title"), center.ccid);
  }
});

browse("on a phone the panels are behind a menu", { viewport: PHONE }, async (page) => {
  const center = contactCenter();
  await logIn(page, center.administrator, "#/ledger");
  await settled(page);
  const menu = page.getByRole("button", { name: "Ledger" });
  assert.equal(await menu.getAttribute("aria-expanded"), "false");
  await menu.click();
  await page.getByRole("link", { name: "API keys" }).click();
  await settled(page);
  await page.getByRole("heading", { level: 1, name: "API keys" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "API keys" }).getAttribute("aria-expanded"), "false");
});
