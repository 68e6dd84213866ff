// One Chromium for all tests, and a new profile for each. A test fails if the page's Content-Security-Policy blocks something, if an
// error is thrown or shown on the console, or if a request goes to another host.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { simulator, url } from "./nexus.mjs";

const { chromium } = createRequire(new URL("../../../web/package.json", import.meta.url))("playwright-core");

// No request leaves the machine: no updates, no name look-ups.
const FLAGS = [
  "--disable-background-networking", "--disable-component-update", "--disable-domain-reliability", "--disable-sync",
  "--no-first-run", "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

let launched;

function browser() {
  launched ??= chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS, timeout: 120000 });
  return launched;
}

after(async () => (await launched)?.close());

export const PHONE = { width: 360, height: 740 };

// browse("what holds", {refusals: [403]}, async (page, context) => …): a test in a browser. refusals are the statuses
// that the test provokes; Chromium reports those on its console.
export function browse(name, options, body) {
  test(name, { timeout: 600000 }, async () => {
    const { refusals = [], viewport = { width: 1280, height: 800 }, ...more } = options;
    const context = await (await browser()).newContext({ viewport, locale: "en-GB", timezoneId: "UTC", ...more });
    const faults = [];
    await context.exposeBinding("tellViolation", (_, text) => faults.push(`blocked by the Content-Security-Policy: ${text}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => window.tellViolation(`${event.violatedDirective} ${event.blockedURI}`));
      // An announcement is shown for a few seconds only, in which a busy machine may not look at the page.
      window.announced = [];
      new MutationObserver(() => {
        for (const region of document.querySelectorAll("[role=status]"))
          if (region.textContent && region.checkVisibility()) window.announced.push(region.textContent);
      }).observe(document, { subtree: true, childList: true, characterData: true });
    });
    context.on("console", (message) => {
      const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
      const asked = message.location().url;
      const expected =
        refusals.includes(status) ||
        (status === 401 && asked.endsWith("/auth/session")) ||
        (status === 503 && asked.endsWith("/nexus/v3/pipeline")); // metrics-agent took longer than 2 s; the page asks again
      if (["error", "warning"].includes(message.type()) && !expected) faults.push(`console: ${message.text()}`);
    });
    context.on("weberror", (error) => faults.push(`thrown: ${error.error()}`));
    context.on("dialog", (dialog) => (faults.push(`a dialog said ${dialog.message()}`), dialog.dismiss()));
    context.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith(simulator) && !request.url().startsWith("data:"))
        faults.push(`a request to another host: ${request.url()}`);
    });
    context.setDefaultTimeout(60000);
    try {
      await body(await context.newPage(), faults);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

// --- actions of a user ---

export async function logIn(page, user, place = "") {
  await page.goto(`${url}/admin/${place}`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("User name").fill(user.name);
  await page.getByLabel("Password").fill(user.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${url}/admin/**`);
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

// Goes to a panel by its address, and waits until it has been read. The page learns of its new address a moment later, and shows the
// former panel until then.
export async function panel(page, place) {
  await page.evaluate(
    (hash) =>
      new Promise((done) => {
        if (location.hash === hash) return done();
        addEventListener("hashchange", () => setTimeout(done), { once: true });
        location.hash = hash;
      }),
    place,
  );
  await settled(page);
}

export async function settled(page) {
  await page.locator("section[aria-busy=false]").waitFor();
}

// The row of a table with this text.
export function row(page, text) {
  return page.locator("tbody tr").filter({ hasText: text });
}

export async function press(page, where, name) {
  await where.getByRole("button", { name, exact: true }).click();
}

// Waits until the page announces this, or has announced it.
export async function says(page, text) {
  const found = (wanted) => window.announced.some((one) => (wanted instanceof RegExp ? wanted.test(one) : one.includes(wanted)));
  await page.waitForFunction(found, text);
}

// --- layout ---

export async function fits(page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${what} is ${over} px too wide`);
}

// Screenshots, if NEXUS_SCREENSHOTS names a folder.
export async function picture(page, name) {
  const into = process.env.NEXUS_SCREENSHOTS;
  if (!into) return;
  mkdirSync(into, { recursive: true });
  await page.screenshot({ path: `${into}/${name}.png`, fullPage: true });
}
