// Everything works without script, and with the keyboard alone.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after } from "node:test";
import { House } from "./house.mjs";
import { PASSWORD, browser, heading, openAccount, sit, story } from "./people.mjs";

const KIM = "kim@partner.example";

story("an account and a drop-off without script", async () => {
  const house = await House.open();
  after(() => house.close());
  const kim = await sit(await browser(house), house, { javaScriptEnabled: false });
  await openAccount(kim, await house.invite(KIM, "Kim Kerr"), "Kim Kerr");
  await heading(kim, "New drop-off");
  const octets = Buffer.from("4,20 m\n");
  const files = [
    { name: "Größe.txt", mimeType: "text/plain", buffer: octets },
    { name: "plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(300_000, 7) },
  ];

  // A browser keeps no files of a form that comes back; all else stays.
  await kim.getByLabel("Message").fill("All that you asked for.");
  await kim.getByLabel("Files", { exact: true }).setInputFiles(files);
  await kim.getByRole("button", { name: "Send" }).click();
  await kim.getByText("Please correct what is marked below.").waitFor();
  assert.equal(await kim.getByLabel("Message").inputValue(), "All that you asked for.");
  await kim.getByLabel("Subject").fill("The plans");
  await kim.getByLabel("Files", { exact: true }).setInputFiles(files);
  await kim.getByRole("button", { name: "Send" }).click();

  await heading(kim, "Sent");
  await kim.getByText(createHash("sha256").update(octets).digest("hex")).waitFor();
  assert.equal(await kim.getByText("Not yet picked up by Alex Doe").count(), files.length);
});

story("an account with the keyboard alone", async () => {
  const house = await House.open();
  after(() => house.close());
  const kim = await sit(await browser(house), house);
  await kim.goto(await house.invite(KIM, "Kim Kerr"));
  const tab = async (expected) => {
    await kim.keyboard.press("Tab");
    const here = await kim.evaluate(() => {
      const { activeElement: place } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(place);
      return { words: place.labels?.[0]?.textContent ?? place.textContent.trim(), seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    });
    assert.equal(here.words, expected);
    assert.ok(here.seen, `one sees that “${expected}” has the keys`);
  };
  await tab("Skip to the content");
  await kim.keyboard.press("Enter");
  await tab("Your address");
  await tab("Your name");
  await tab("Choose a password");
  await kim.keyboard.type("12345678");
  await kim.keyboard.press("Enter");

  // The fault has the keys at once.
  await kim.getByText("Please correct what is marked below.").waitFor();
  await kim.waitForFunction(() => document.activeElement.id === "password");
  await kim.keyboard.type(PASSWORD);
  await tab("Show");
  await kim.keyboard.press("Space");
  assert.equal(await kim.getByLabel("Choose a password").inputValue(), PASSWORD);
  assert.equal(await kim.getByLabel("Choose a password").getAttribute("type"), "text");
  await tab("Open the account");
  await kim.keyboard.press("Enter");
  await heading(kim, "New drop-off");
  assert.deepEqual(kim.faults, []);
});
