import assert from "node:assert/strict";
import { browse, logIn, panel, press, row, settled } from "../harness/browser.mjs";
import { contactCenter, eventually, keyOf, operator, PASSWORD, provisioned, url } from "../harness/nexus.mjs";

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

browse("a wrong password is refused", { refusals: [401] }, async (page) => {
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

browse("after sign-out the session is gone on the server too", { refusals: [401] }, async (page) => {
  await logIn(page, operator());
  const { value } = (await page.context().cookies()).find(({ name }) => name === "nexus_session");
  await press(page, page, "Log out");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  const status = async () => (await fetch(`${url}/auth/session`, { headers: { cookie: `nexus_session=${value}` } })).status;
  // A gateway that is not told would ask again after 30 s.
  await eventually(async () => (await status()) === 401, "every gateway knows that it is over", 20000);
});

browse("after a session ended elsewhere, the next step shows the log-in", { refusals: [401] }, async (page) => {
  await logIn(page, operator());
  await page.context().clearCookies();
  await page.evaluate(() => (location.hash = "#/keys"));
  await page.getByText("Your session has ended.").waitFor();
  await page.getByRole("button", { name: "Log in again" }).waitFor();
});

browse("the address of another contact center shows no data and a link to the user's own contact center", {}, async (page) => {
  const [own, other] = [await provisioned(), await provisioned()];
  await keyOf(own, "A key of mine", ["nexus:agent:chat"]);
  await keyOf(other, "A key of theirs", ["nexus:agent:chat"]);
  await logIn(page, own.administrator, "#/tenants");
  await settled(page);
  await row(page, own.name).waitFor();
  assert.equal(await row(page, other.name).count(), 0);

  for (const panel of ["keys", "tenants", "message/x"]) {
    await page.goto(`${url}/admin/#/${other.ccid}/${panel}`);
    await page.getByRole("heading", { level: 1, name: "Another contact center" }).waitFor();
    await page.getByText("belongs to another contact center").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 0, panel);
    assert.equal(await page.getByText(other.ccid).count(), 0, panel);
  }

  await page.goto(`${url}/admin/#/${other.ccid}/keys`);
  await page.getByRole("link", { name: "Go to your own" }).click();
  await row(page, "A key of mine").waitFor();
  assert.equal(await row(page, "A key of theirs").count(), 0);
  assert.equal(await page.evaluate(() => location.hash), `#/${own.ccid}/keys`);

  await panel(page, `#/${own.ccid.toUpperCase()}/keys`);
  await row(page, "A key of mine").waitFor();
});

browse("a user who is not an administrator sees a message", { refusals: [403] }, async (page) => {
  const center = await provisioned();
  await logIn(page, { name: `${center.ccid}\\agent1`, password: PASSWORD });
  await page.getByText("This account is not an administrator's.").waitFor();
});
