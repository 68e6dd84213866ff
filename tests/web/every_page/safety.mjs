import assert from "node:assert/strict";
import { browse, logIn, panel, press, settled } from "../harness/browser.mjs";
import { ask, contactCenter, eventually, keyOf, operator, PROVISIONING, provisioned, url } from "../harness/nexus.mjs";

browse("a write without the page's token is refused, and does nothing", { refusals: [403] }, async (page) => {
  const center = await provisioned();
  const key = await keyOf(center, "Stays", ["nexus:consumer:chat"]);
  await logIn(page, center.administrator);
  const id = key.id.slice(0, 13);
  const tried = (headers) =>
    page.evaluate(async ([path, more]) => (await fetch(path, { method: "DELETE", headers: more })).status, [`/nexus/v3/apikeys/${id}`, headers]);
  assert.equal(await tried({}), 403);
  assert.equal(await tried({ "x-csrf-token": "made-up" }), 403);
  const { keys } = (await ask(center.administrator, "GET", "/nexus/v3/apikeys")).data;
  assert.ok(keys.some((one) => one.id === id));
});

const PROBES = ["<img src=x onerror=alert(1)>", "<script>alert(2)</script>", '"><svg onload=alert(3)>', "javascript:alert(4)", "{{7*7}}${7*7}"];

browse("names that contain markup are shown as text everywhere", {}, async (page) => {
  const center = contactCenter();
  const mark = center.ccid.slice(0, 8);
  await provisioned(center, `${PROBES[0]}${mark}`);
  for (const probe of PROBES) await keyOf(center, probe, ["nexus:consumer:chat"]);
  await ask(center.administrator, "PUT", `${PROVISIONING}/transactions/${center.ccid}/NexusEndpoints/probe`, {
    greeting: PROBES[1], businessHours: PROBES[2],
  });

  await logIn(page, operator(), "#/tenants");
  await settled(page);
  if (await page.getByLabel("Search").count()) await page.getByLabel("Search").fill(mark);
  await page.getByRole("link", { name: `${PROBES[0]}${mark}` }).click();
  await settled(page);
  await page.getByRole("banner").getByText(`${PROBES[0]}${mark}`).waitFor();
  await panel(page, `#/${center.ccid}/keys`);
  for (const probe of PROBES) await page.getByRole("cell").getByText(probe).first().waitFor();
  await press(page, page.locator("tbody tr").filter({ hasText: "<script>" }), "Delete");
  await page.getByRole("dialog", { name: `Delete the key “${PROBES[1]}”?` }).waitFor();
  await press(page, page.getByRole("dialog"), "Cancel");
  await panel(page, `#/${center.ccid}/endpoints`);
  await page.getByText(PROBES[1]).waitFor();
  await press(page, page, "Edit");
  assert.equal(await page.getByLabel("Business hours").inputValue(), PROBES[2]);
  assert.equal(await page.locator("#app img, #app svg, #app script").count(), 0);
});

browse("the Content-Security-Policy blocks scripts that a vulnerability of the page would let in", {}, async (page, faults) => {
  await page.goto(`${url}/admin/`);
  await page.getByRole("button", { name: "Log in" }).waitFor();
  const outcome = await page.evaluate(() => {
    const script = document.createElement("script");
    let assigned = "", inline = "";
    try {
      document.body.innerHTML = "<b>markup</b>";
      assigned = "taken";
    } catch (error) {
      assigned = error.name;
    }
    try {
      script.textContent = "window.broken = true";
      document.head.append(script);
      inline = window.broken ? "ran" : "did not run";
    } catch (error) {
      inline = error.name;
    }
    return { assigned, inline };
  });
  assert.equal(outcome.assigned, "TypeError");
  assert.notEqual(outcome.inline, "ran");
  await eventually(() => faults.length >= 2, "the browser reports what it blocked");
  await page.close(); // it reports nothing more
  faults.length = 0;
});

browse("no other site can show the page in a frame", {}, async (page, faults) => {
  await page.goto(`${url}/admin/`);
  await page.getByRole("button", { name: "Log in" }).waitFor();
  await page.route("**/frame", (route) =>
    route.fulfill({ contentType: "text/html", body: `<iframe src="${url}/admin/"></iframe>` }));
  await page.goto(`${url}/frame`);
  const frame = page.frames().find((one) => one !== page.mainFrame());
  assert.equal(await frame.locator("#app").count().catch(() => 0), 0);
  await eventually(() => faults.some((fault) => fault.includes("frame")), "the browser reports what it blocked");
  await page.close(); // it reports nothing more
  faults.length = 0;
});
