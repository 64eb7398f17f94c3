// Every page, looked at by axe-core in light and in dark, on a desk and on a phone: nobody is shut out, nothing sticks out,
// nothing is heavy. With PICTURES=FOLDER each is painted too, for people to look at.
import assert from "node:assert/strict";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after } from "node:test";
import { House, until } from "./house.mjs";
import { NO_PAGES, PAGES } from "./pages.mjs";
import { PASSWORD, browser, openAccount, signIn, sit, story } from "./people.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SOURCE = process.env.SOURCE;
const PICTURES = process.env.PICTURES;
// A page, its sheet and its script, as they travel; the logo is the organisation's own.
const OCTETS_MAX = 50 * 1024;
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 320, height: 700 };
const ON_A_DESK = ["light", "desk", DESK];
const ON_A_PHONE = ["dark", "phone", PHONE];

story("every page is in the table", async () => {
  const known = new Set([...PAGES.map((page) => page.route), ...NO_PAGES]);
  const folder = path.join(SOURCE, "src/httpd");
  const missing = [];
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith(".rs") || file.includes("tests")) continue;
    const [, ...routes] = (await readFile(path.join(folder, file), "utf8")).split(".route(");
    for (const route of routes) {
      const found = route.match(/^\s*"([^"]+)",\s*([^\n]*)/);
      assert.ok(found, `${file}: a route that this test cannot read`);
      // `/` leads on to the first page of whoever is signed in, `/admin` to the first of the administrators'.
      if (/\bget\(/.test(found[2]) && !/get\(first\)/.test(found[2]) && !known.has(found[1])) missing.push(`${file}: ${found[1]}`);
    }
  }
  assert.deepEqual(missing, [], "put these into PAGES of pages.mjs, or into NO_PAGES");
});

story("every page can be used by everybody", async () => {
  const house = await House.open({ REGISTRATION__VERIFY_EMAIL: "true" });
  after(() => house.close());
  const chromium = await browser(house);
  const people = await settle(chromium, house);
  const faults = [];
  for (const page of PAGES) {
    const person = people[page.who];
    // Whoever is nobody is nobody each time.
    if (page.who === "nobody") await person.context().clearCookies();
    await person.setViewportSize(DESK);
    const answer = await person.goto(page.at(people.state));
    if (answer.status() !== (page.status ?? 200)) faults.push(`${page.name}: answered with ${answer.status()}`);
    await page.then?.(person);
    await look(person, page.name, faults);
  }
  for (const person of Object.values(people)) faults.push(...(person.faults ?? []));
  assert.deepEqual(faults, []);
});

// What cannot be brought about in a minute, as a link of two weeks ago, is looked at as its sample; and weighed.
story("every template can be used by everybody, and none is heavy", async () => {
  const house = await House.open();
  after(() => house.close());
  const person = await sit(await browser(house), house);
  const weigh = async (at) => (await (await house.asking.get(house.site + at)).body()).length;
  const frame = await weigh("/style.css") + await weigh("/postern.js");
  const names = (await readdir(path.join(SOURCE, "templates/page"))).filter((name) => name.endsWith(".html") && name !== "layout.html");
  const faults = [];
  for (const [language, places] of [["en", [ON_A_DESK]], ["de", [ON_A_PHONE]]]) {
    for (const name of names) {
      const sample = await house.command(["template", "preview", `page/${name}`, "--language", language]);
      const octets = frame + Buffer.byteLength(sample);
      if (octets >= OCTETS_MAX) faults.push(`${language} ${name} weighs ${octets} octets`);
      // One that leads on at once would lead away.
      const body = sample.replace(/<meta http-equiv="refresh" content="0;[^>]*>/, "");
      await person.route("**/sample", (route) => route.fulfill({ body, contentType: "text/html; charset=utf-8" }));
      await person.goto("/sample");
      await look(person, `sample-${language}-${path.basename(name, ".html")}`, faults, places);
      await person.unroute("**/sample");
    }
  }
  assert.deepEqual(faults, []);
});

// In light on a desk and in dark on a phone, which has what is cramped; the pictures have all four.
async function look(person, name, faults, places = [ON_A_DESK, ON_A_PHONE]) {
  for (const [scheme, place, size] of places) {
    await person.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await person.setViewportSize(size);
    await person.evaluate(AXE);
    const { violations } = await person.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const fault of violations) {
      faults.push(`${name}, ${scheme}, ${place}: ${fault.id}: ${fault.help}: ${fault.nodes.map((node) => node.html).join(" ")}`);
    }
    const wide = await person.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) faults.push(`${name}, ${place}: sticks out by ${wide} pixels`);
  }
  if (PICTURES) await paint(person, name);
}

async function paint(person, name) {
  await mkdir(PICTURES, { recursive: true });
  for (const [place, size] of [["desk", DESK], ["phone", PHONE]]) {
    await person.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await person.emulateMedia({ colorScheme });
      await person.screenshot({ path: path.join(PICTURES, `${name}-${place}-${colorScheme}.png`), fullPage: true });
    }
  }
}

// A house with a little history, and the people who are in it. `state` has the addresses that came of it.
async function settle(chromium, house) {
  const state = { mailbox: house.mailbox };
  const people = { state };
  for (const who of ["nobody", "guest", "newcomer", "staff", "clerk", "admin"]) people[who] = await sit(chromium, house);
  const { nobody, guest, newcomer, staff, clerk, admin } = people;

  await house.command(["account", "add", "robin@corp.example", "--name", "Robin Clerk", "--no-invite"], `${PASSWORD}\n`);
  await house.command(["account", "add", "sam@corp.example", "--name", "Sam Steward", "--admin"], `${PASSWORD}\n`);
  await signIn(staff, house.user, house.password);
  await signIn(clerk, "robin@corp.example", PASSWORD);
  await signIn(admin, "sam@corp.example", PASSWORD);

  state.link = await house.invite("ada@partner.example", "Ada Pohl");
  state.waits = await house.invite("una@partner.example", "Una West");
  state.withdrawn = await house.invite("jo@supplier.example", "Jo Quist");
  await staff.goto("/invitations");
  await staff.getByRole("link", { name: "Jo Quist" }).click();
  await staff.locator("summary", { hasText: "Withdraw" }).click();
  await staff.getByRole("button", { name: "Withdraw the invitation" }).click();
  for (const [person, address, name] of [[guest, "kim@partner.example", "Kim Kerr"], [newcomer, "lee@supplier.example", "Lee Park"], [nobody, "mia@partner.example", "Mia Moor"]]) {
    const link = await house.invite(address, name);
    await openAccount(person, link, name);
    await person.getByRole("heading", { name: "Please look into your mailbox" }).waitFor();
    const verify = await house.link(address, "/verify/");
    if (person === nobody) { state.verify = verify; continue; }
    Object.assign(state, { used: link, verified: verify });
    await person.goto(verify);
    await person.getByRole("button", { name: "Open the account" }).click();
    await person.getByRole("heading", { name: "New drop-off" }).waitFor();
  }

  // Kim sends one drop-off and begins another.
  const leave = async (subject) => {
    await guest.goto("/dropoff");
    await guest.getByLabel("Subject").fill(subject);
    await guest.getByLabel("Message").fill("All that you asked for.\nThe roof follows.");
    await guest.getByLabel("Files", { exact: true }).setInputFiles([
      { name: "Ground plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(90_000, 1) },
      { name: "estimate.ods", mimeType: "application/octet-stream", buffer: Buffer.alloc(9_000, 2) },
    ]);
    await guest.getByRole("button", { name: "Send" }).click();
  };
  await leave("The plans of the east wing");
  await guest.getByRole("heading", { name: "Sent" }).waitFor();
  await guest.route("**/files/*", (route) => route.abort());
  await leave("Photographs");
  await guest.getByText("The connection is gone.").first().waitFor();
  state.begun = guest.url();
  // It would go on by itself.
  await guest.goto("about:blank");
  await guest.unroute("**/files/*");

  await nobody.goto("/forgotten");
  await nobody.getByLabel("Address").fill("kim@partner.example");
  await nobody.getByRole("button", { name: "Send the mail" }).click();
  state.reset = await house.link("kim@partner.example", "/reset/", "password");

  await staff.goto("/invite");
  await staff.getByLabel("To", { exact: true }).fill("Ira Lund <ira@partner.example>, noor@partner.example");
  await staff.getByRole("button", { name: "Send" }).click();
  await staff.getByRole("heading", { name: "Your invitation is on its way" }).waitFor();
  state.receipt = staff.url();
  const first = async (list) => {
    await staff.goto(list);
    return staff.locator(`main a[href^="${list}/"]`).first().getAttribute("href");
  };
  state.invitation = await first("/invitations");
  await until("the drop-off", async () => { await staff.goto("/received"); return staff.locator("main a[href^='/received/']").count(); });
  state.received = await first("/received");
  state.letter = await house.mail("ada@partner.example");
  return people;
}
