import assert from "node:assert/strict";
import { browse, logIn, panel, press, row, settled } from "./browser.mjs";
import { contactCenter, eventually, operator, PASSWORD, provisioned, url } from "./nexus.mjs";

browse("without a session the page shows the log-in and nothing else", {}, async (page) => {
  await page.goto(`${url}/admin/#/keys`);
  await page.getByRole("button", { name: "Log in" }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0);
});

browse("an administrator logs in through GWS and comes back to where they were", {}, async (page) => {
  const center = contactCenter();
  await logIn(page, center.administrator, "#/ledger");
  await settled(page);
  assert.equal(await page.getByRole("heading", { level: 1 }).textContent(), "Ledger");
  assert.equal(await page.evaluate(() => location.hash), "#/ledger");
});

browse("the session is in a cookie that scripts cannot read", {}, async (page) => {
  await logIn(page, operator());
  const cookie = (await page.context().cookies()).find(({ name }) => name === "nexus_session");
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite !== "None", JSON.stringify(cookie));
  assert.equal(await page.evaluate(() => document.cookie), "");
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
});

browse("a wrong password does not let anybody in", { refusals: [401] }, async (page) => {
  const { administrator } = contactCenter();
  await page.goto(`${url}/admin/`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByLabel("User name").fill(administrator.name);
  await page.getByLabel("Password").fill(`not ${PASSWORD}`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.goto(`${url}/admin/`);
  await page.getByRole("button", { name: "Log in" }).waitFor();
});

browse("after logging out the session is gone on the server, too", { refusals: [401] }, async (page) => {
  await logIn(page, operator());
  const { value } = (await page.context().cookies()).find(({ name }) => name === "nexus_session");
  await press(page, page, "Log out");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  const status = async () => (await fetch(`${url}/auth/session`, { headers: { cookie: `nexus_session=${value}` } })).status;
  await eventually(async () => (await status()) === 401, "every gateway knows that it is over", 3000);
});

browse("a session that ended elsewhere shows the log-in at the next step", { refusals: [401] }, async (page) => {
  await logIn(page, operator());
  await page.context().clearCookies();
  await page.evaluate(() => (location.hash = "#/keys"));
  await page.getByText("Your session is over.").waitFor();
  await page.getByRole("button", { name: "Log in again" }).waitFor();
});

browse("an administrator sees their own contact center, whatever the address names", {}, async (page) => {
  const [own, other] = [await provisioned(), await provisioned()];
  await logIn(page, own.administrator, "#/tenants");
  await settled(page);
  await row(page, own.name).waitFor();
  assert.equal(await row(page, other.name).count(), 0);
  await panel(page, `#/${other.ccid}/keys`);
  await row(page, other.ccid).waitFor({ state: "detached" });
  assert.equal(await page.getByText(other.ccid).count(), 0);
});
