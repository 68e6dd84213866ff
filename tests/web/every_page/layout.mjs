// The layout: nothing is cut off on a phone, and both colour schemes are readable.
import assert from "node:assert/strict";
import { browse, fits, logIn, panel, PHONE, picture, press, row, settled } from "../harness/browser.mjs";
import { answered, ask, contactCenter, eventually, keyOf, knobs, operator, PROVISIONING, sending, simulator } from "../harness/nexus.mjs";

const PANELS = ["overview", "messages", "conversations", "tenants", "keys", "services", "numbers", "endpoints", "undelivered", "message", "destinations", "ledger", "pipeline", "audit"];
const OF_ONE = ["messages", "conversations", "services", "numbers", "endpoints", "message"]; // an operator chooses a contact center first
const OF_ALL = PANELS.filter((one) => !OF_ONE.includes(one));
const LONG = "a_name_without_any_blank_that_goes_on_and_on_for_longer_than_a_phone_is_wide";

async function filled(named = contactCenter()) {
  const center = await sending(named);
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

// A contact center with a long name and an entry in every list: messages that failed for good, and a destination that fails now.
async function busy() {
  const named = contactCenter();
  const center = await filled({ ...named, name: `${LONG}_${named.name}` });
  await knobs(center, { status: 400 });
  await answered(center);
  const failed = async () => (await ask(center.administrator, "GET", "/nexus/v3/undelivered")).data.undelivered.length === 1;
  await eventually(failed, "the message has failed for good");
  await knobs(center, { status: 404 });
  center.waits = await answered(center);
  return center;
}

async function tables(page, what) {
  assert.deepEqual(await page.locator(".narrow caption").allTextContents(), [], `${what} is a table`);
  const over = await page.locator("table").evaluateAll((all) => all.map((table) => table.parentElement.scrollWidth - table.parentElement.clientWidth));
  assert.ok(over.every((px) => px <= 0), `${what} is ${over} px too wide`);
}

for (const [width, colorScheme] of [[768, "light"], [1000, "light"], [1024, "dark"], [1280, "light"], [1366, "dark"]])
  browse(`an operator's panels fit a window of ${width} px with two busy contact centers`, { viewport: { width, height: 800 }, colorScheme }, async (page) => {
    const [center, other] = [await busy(), await busy()];
    const places = [...OF_ALL, ...OF_ONE.map((name) => `${center.ccid}/${name}`), `${center.ccid}/message/${center.waits}`];
    for (const [user, whose, panels] of [[operator(), "operator", places], [center.administrator, "own", PANELS]]) {
      await logIn(page, user);
      for (const one of panels) {
        await panel(page, `#/${one}`);
        await fits(page, one);
        if (width >= 1000) await tables(page, `${whose}: ${one}`);
        await picture(page, `${whose}-${width}-${one.replace(/^.{36}\/(\w+).*$/, "one-$1")}`);
      }
      await press(page, page, "Log out");
      await page.getByRole("button", { name: "Log in" }).waitFor();
    }
    for (const one of [center, other]) await knobs(one, { status: 0 });
  });

// Reads further pages of a list until it shows this, because other tests have made more than one page.
async function readUntilShown(page, wanted) {
  const more = page.getByRole("button", { name: /^Show more/ });
  for (await settled(page); !(await wanted.count()) && (await more.count()); await settled(page)) await more.click();
  await wanted.waitFor();
}

browse("contact centers are shown by their names in all lists", {}, async (page) => {
  const center = await sending();
  await keyOf(center, "a key", ["nexus:designer:chat"]);
  await logIn(page, operator());
  for (const one of ["keys", "destinations", "audit"]) {
    await panel(page, `#/${one}`);
    const link = page.getByRole("link", { name: center.name, exact: true }).first();
    await readUntilShown(page, link);
    assert.equal(await link.getAttribute("title"), `${center.name} ${center.ccid}`);
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
