import { browse, fits, logIn, PHONE, picture, press, row, says, settled } from "../harness/browser.mjs";
import { answered, eventually, knobs, operator, sending } from "../harness/nexus.mjs";

// Presses "Read again" until the page shows it exactly once.
const shows = (page, what, meaning) => eventually(async () => {
  await press(page, page, "Read again");
  await settled(page);
  return (await what.count()) === 1;
}, meaning);

browse("a destination that fails is found from the pipeline, and can be tried, switched off and on", {}, async (page) => {
  const center = await sending();
  await knobs(center, { error_rate: 1 });
  for (let i = 0; i < 6; i++) await answered(center);
  await logIn(page, operator(), `#/${center.ccid}/pipeline`);
  await page.locator("[data-hop=send]").getByText("left alone").waitFor();
  await page.locator("[data-hop=send]").getByRole("link", { name: center.number }).click();
  await settled(page);
  const one = row(page, center.number);
  await shows(page, one.getByText("left alone"), "the destination is shown as left alone"); // for a moment it may be tested
  await picture(page, "destinations-failing");

  await press(page, one, "Try now");
  await says(page, `+${center.number} is being tried.`);
  await press(page, one, "Switch off");
  await press(page, page.getByRole("dialog"), "Switch off");
  await says(page, `+${center.number} is switched off.`);
  await one.getByText("switched off").waitFor();

  await knobs(center, { error_rate: 0 });
  await press(page, one, "Switch on");
  await says(page, `+${center.number} is switched on.`);
  await page.getByLabel("State").selectOption("");
  await shows(page, row(page, center.number).getByText("good", { exact: true }), "the destination is shown as good");
});

browse("the destinations of all contact centers fit on a phone", { viewport: PHONE }, async (page) => {
  const center = await sending();
  await logIn(page, operator(), "#/destinations");
  await settled(page);
  await row(page, center.number).getByText("good", { exact: true }).waitFor();
  await fits(page, "the destinations");
  await picture(page, "destinations-phone");
});

browse("a destination whose answers are errors is not shown as good, and the overview has a link to it", {}, async (page) => {
  const center = await sending();
  await knobs(center, { status: 404 });
  await answered(center);
  await logIn(page, operator(), "#/overview");
  const link = page.getByRole("link", { name: "Show failing destinations" });
  await shows(page, link, "the overview links to the destination");
  await link.click();
  await settled(page);
  await shows(page, row(page, center.number).getByText("fails", { exact: true }), "the destination is shown as failing");

  await knobs(center, { status: 0 });
  await press(page, row(page, center.number), "Try now");
  await page.getByLabel("State").selectOption("");
  await shows(page, row(page, center.number).getByText("good", { exact: true }), "the destination is shown as good");
});
