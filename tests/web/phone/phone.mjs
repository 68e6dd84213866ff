// The simulator's page: a phone.
import assert from "node:assert/strict";
import { browse, fits, PHONE, picture } from "../harness/browser.mjs";
import { answered, knobs, phone, sending, simulator, url } from "../harness/nexus.mjs";

const open = (page, from, center) =>
  page.goto(`${simulator}/?from=${encodeURIComponent(from)}&to=${encodeURIComponent(`+${center.number}`)}`);

browse("the phone shows its texts and each message to it, and says that it does not show what others post for it", { viewport: PHONE }, async (page) => {
  const [center, number] = [await sending(), phone()];
  await knobs(center, { target: url, ccid: center.ccid, key: center.keys.aggregator });
  await open(page, number, center);
  const messages = page.getByRole("list", { name: "Messages" });

  await answered(center, number); // "hello" is posted to Nexus directly, as curl does
  await messages.getByText("an answer").waitFor();
  assert.equal(await messages.getByText("hello").count(), 0);
  await page.getByText("does not show what another program, such as curl, posts").waitFor();

  await page.getByLabel("Text message").fill("written here");
  await page.keyboard.press("Enter");
  await messages.locator(".mine").filter({ hasText: "written here" }).getByText("Sent").waitFor();
  await fits(page, "the phone");
  await picture(page, "phone");
});

browse("the phone offers the numbers of contact centers, and no names of users", {}, async (page) => {
  const center = await sending(); // its administrator has logged in to GWS
  await knobs(center, {});
  const { channels } = await (await fetch(`${simulator}/sim/stats`)).json();
  assert.ok(Object.keys(channels).some((name) => !/^\d+$/.test(name)), "the simulator counts users beside numbers");

  await open(page, phone(), center);
  const offered = page.locator("#channels option");
  await offered.first().waitFor({ state: "attached" });
  const numbers = await offered.evaluateAll((options) => options.map(({ value }) => value));
  assert.ok(numbers.includes(`+${center.number}`), numbers.join());
  assert.deepEqual(numbers.filter((value) => !/^\+\d+$/.test(value)), []);
});
