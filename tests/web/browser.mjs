// One Chromium for all tests, a fresh profile for each. Whatever happens in a test, nothing may be refused by the
// page's policy, reported on the console, thrown, or asked of any host but this machine.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { simulator, url } from "./nexus.mjs";

const { chromium } = createRequire(new URL("../../web/package.json", import.meta.url))("playwright-core");

// Nothing leaves the machine: no updates, no name is looked up.
const FLAGS = [
  "--disable-background-networking", "--disable-component-update", "--disable-domain-reliability", "--disable-sync",
  "--no-first-run", "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

let launched;

function browser() {
  launched ??= chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  return launched;
}

after(async () => (await launched)?.close());

export const PHONE = { width: 360, height: 740 };

// browse("what holds", {refusals: [403]}, async (page, context) => …): a test in a browser. refusals are the statuses
// that the test provokes; Chromium reports those on its console.
export function browse(name, options, body) {
  test(name, { timeout: 120000 }, async () => {
    const { refusals = [], viewport = { width: 1280, height: 800 }, ...more } = options;
    const context = await (await browser()).newContext({ viewport, locale: "en-GB", timezoneId: "UTC", ...more });
    const faults = [];
    await context.exposeBinding("tellViolation", (_, text) => faults.push(`refused by the policy: ${text}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => window.tellViolation(`${event.violatedDirective} ${event.blockedURI}`));
    });
    context.on("console", (message) => {
      const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
      const expected = refusals.includes(status) || (status === 401 && message.location().url.endsWith("/auth/session"));
      if (["error", "warning"].includes(message.type()) && !expected) faults.push(`console: ${message.text()}`);
    });
    context.on("weberror", (error) => faults.push(`thrown: ${error.error()}`));
    context.on("dialog", (dialog) => (faults.push(`a dialog said ${dialog.message()}`), dialog.dismiss()));
    context.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith(simulator) && !request.url().startsWith("data:"))
        faults.push(`asked elsewhere: ${request.url()}`);
    });
    context.setDefaultTimeout(20000);
    try {
      await body(await context.newPage(), faults);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

// --- what a person does ---

export async function logIn(page, user, place = "") {
  await page.goto(`${url}/admin/${place}`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("User name").fill(user.name);
  await page.getByLabel("Password").fill(user.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${url}/admin/**`);
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

// Goes to a panel by its address, and waits until it has been read.
export async function panel(page, place) {
  await page.evaluate((hash) => (location.hash = hash), place);
  await settled(page);
}

export async function settled(page) {
  await page.locator("section[aria-busy=false]").waitFor();
}

// The row of a table that says this.
export function row(page, text) {
  return page.locator("tbody tr").filter({ hasText: text });
}

export async function press(page, where, name) {
  await where.getByRole("button", { name, exact: true }).click();
}

export async function says(page, text) {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
}

// --- how it looks ---

export async function fits(page, what) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${what} is ${over} px too wide`);
}

// Pictures for people to look at, where NEXUS_SCREENSHOTS names a folder.
export async function picture(page, name) {
  const into = process.env.NEXUS_SCREENSHOTS;
  if (!into) return;
  mkdirSync(into, { recursive: true });
  await page.screenshot({ path: `${into}/${name}.png`, fullPage: true });
}
