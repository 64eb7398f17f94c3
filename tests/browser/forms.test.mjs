// What goes wrong in a form is said beside the field, and nothing that was typed is lost.
import assert from "node:assert/strict";
import { after } from "node:test";
import { House } from "./house.mjs";
import { browser, heading, openAccount, signIn, sit, story } from "./people.mjs";

const KIM = "kim@partner.example";

story("a semicolon between addresses", async () => {
  const house = await House.open();
  after(() => house.close());
  const alex = await sit(await browser(house), house);
  await signIn(alex, house.user, house.password);
  await alex.goto("/invite");
  const fields = {
    To: `${KIM}; lee@partner.example`, Cc: "ada@partner.example", Bcc: "una@partner.example", Subject: "Plans of the east wing",
    Message: "Dear all,\n\nplease send us the plans – “soon”.",
  };
  for (const [label, value] of Object.entries(fields)) await alex.getByLabel(label, { exact: true }).fill(value);
  await alex.getByLabel("E-mail me a receipt").check();
  await alex.getByRole("button", { name: "Send" }).click();

  const corrected = `${KIM}, lee@partner.example`;
  await alex.getByText("Nobody has been invited yet.").waitFor();
  const fault = await alex.locator("#to-fault").innerText();
  assert.ok(fault.includes(corrected), `the corrected line stands there: ${fault}`);
  for (const [label, value] of Object.entries(fields)) assert.equal(await alex.getByLabel(label, { exact: true }).inputValue(), value);
  assert.ok(await alex.getByLabel("E-mail me a receipt").isChecked());

  await alex.getByLabel("To", { exact: true }).fill(corrected);
  await alex.getByRole("button", { name: "Send" }).click();
  await heading(alex, "Your invitation is on its way");
  for (const person of [KIM, "lee@partner.example", "ada@partner.example", "una@partner.example"]) await house.link(person, "/i/");
  await house.mail(house.user, fields.Subject);
  assert.deepEqual(alex.faults, []);
});

story("a forgotten password", async () => {
  const house = await House.open();
  after(() => house.close());
  const kim = await sit(await browser(house), house);
  await openAccount(kim, await house.invite(KIM, "Kim Kerr"), "Kim Kerr");
  await heading(kim, "New drop-off");
  await kim.getByRole("button", { name: "Sign out" }).click();
  await kim.getByText("You are signed out.").waitFor();

  await kim.getByRole("link", { name: "I have forgotten my password" }).click();
  await kim.getByLabel("Address").fill(KIM);
  await kim.getByRole("button", { name: "Send the mail" }).click();
  await heading(kim, "Please look into your mailbox");
  const link = await house.link(KIM, "/reset/", "password");
  await kim.goto(link);
  await kim.getByLabel("New password").fill("12345678");
  await kim.getByRole("button", { name: "Set the password" }).click();
  await kim.getByText("Your password has not been changed.").waitFor();
  const anew = "eleven grey herons wait";
  await kim.getByLabel("New password").fill(anew);
  await kim.getByRole("button", { name: "Set the password" }).click();
  await heading(kim, "Your new password is set");
  await kim.goto(link);
  await heading(kim, "This link opens nothing any more");
  await signIn(kim, KIM, anew);
  await heading(kim, "New drop-off");
  assert.deepEqual(kim.faults, []);
});
