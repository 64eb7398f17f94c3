// The whole way of an invitation and of the files that come back, as the two people see it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import { House } from "./house.mjs";
import { browser, heading, openAccount, signIn, sit, story } from "./people.mjs";
import { Wire } from "./wire.mjs";

const KIM = "kim@partner.example";
const sha256 = (octets) => createHash("sha256").update(octets).digest("hex");

story("from a mail to files that were picked up", async () => {
  const house = await House.open({ REGISTRATION__VERIFY_EMAIL: "true" });
  after(() => house.close());
  const folder = await mkdtemp(path.join(tmpdir(), "postern-files-"));
  after(() => rm(folder, { recursive: true }));
  const files = {
    "ground plan.pdf": randomBytes(200_000),
    "Dachstuhl – Größe.txt": Buffer.from("4,20 m\n"),
    "photographs.zip": randomBytes(24 * 1024 * 1024),
  };
  for (const [name, octets] of Object.entries(files)) await writeFile(path.join(folder, name), octets);
  const paths = Object.keys(files).map((name) => path.join(folder, name));
  const large = paths[2];

  // All but the last file gets through, and of that one a third.
  const wire = await Wire.to(house.site, 8 * 1024 * 1024);
  after(() => wire.close());
  const chromium = await browser(house, wire);
  const kim = await sit(chromium, house);

  // Kim reads the mail and follows its button, through the form and through the second mail.
  await house.invite(KIM, "Kim Kerr");
  await kim.goto(await house.mail(KIM, "Plans"));
  await kim.frameLocator("iframe").getByRole("link", { name: "Open your account" }).click();
  await heading(kim, "Open your account");
  assert.equal(await kim.getByLabel("Your name").inputValue(), "Kim Kerr", "the name stood in the mail");
  await openAccount(kim, kim.url(), "Kim Kerr");
  await heading(kim, "Please look into your mailbox");
  await kim.goto(await house.link(KIM, "/verify/"));
  await kim.getByRole("button", { name: "Open the account" }).click();

  // Three files. In the middle of the largest the network goes away.
  await heading(kim, "New drop-off");
  assert.ok(await kim.getByLabel("Alex Doe").isChecked(), "the inviter is filled in");
  await kim.getByLabel("Subject").fill("The plans");
  await kim.getByLabel("Message").fill("All that you asked for.");
  await kim.getByLabel("Files", { exact: true }).setInputFiles(paths);
  await kim.getByRole("button", { name: "Send" }).click();
  await kim.getByText(/^\d.* of 24\.0 MiB, /).waitFor();
  wire.cut();
  await kim.getByText("The connection is gone.").first().waitFor();

  // The lid is closed. Later, with the network back, the page is opened anew.
  await kim.close();
  wire.mend();
  const later = await kim.context().newPage();
  await later.goto("/dropoff");
  await later.getByRole("link", { name: "The plans" }).click();
  await heading(later, "Your drop-off");
  const sent = [];
  later.on("request", (asked) => { if (asked.method() === "PATCH") sent.push(Number(asked.headers()["upload-offset"])); });
  await later.getByLabel("More files").setInputFiles(large);
  await later.getByRole("button", { name: "Send" }).click();
  await heading(later, "Sent");
  assert.ok(sent.length > 0 && sent[0] > 0, `it went on where it stood, not at ${sent}`);
  for (const octets of Object.values(files)) await later.getByText(sha256(octets)).waitFor();
  await later.getByText("Not yet picked up by Alex Doe").first().waitFor();

  // Alex hears of it, signs in, and picks the files up.
  const alex = await sit(chromium, house);
  await alex.goto(await house.mail(house.user, "The plans"));
  await signIn(alex, house.user, house.password);
  await alex.goto("/received");
  await alex.getByRole("link", { name: "The plans" }).click();
  await alex.getByText("All that you asked for.").waitFor();
  for (const [name, octets] of Object.entries(files)) {
    const coming = alex.waitForEvent("download");
    await alex.getByRole("link", { name: `Download ${name}` }).click();
    const download = await coming;
    assert.equal(download.suggestedFilename(), name);
    assert.equal(sha256(await readFile(await download.path())), sha256(octets), `${name} is what was sent`);
  }

  // And Kim sees that.
  await later.reload();
  await later.getByText("Picked up", { exact: true }).waitFor();
  assert.equal(await later.getByText(/^Picked up by Alex Doe on /).count(), paths.length);
  assert.deepEqual([...kim.faults, ...alex.faults], []);
});
