// People before their browsers, and what they do on the pages again and again.
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "./house.mjs";

// How long a story may take in all.
const STORY_MS = 5 * 60_000;

export const story = (name, tell) => test(name, { timeout: STORY_MS }, tell);

export const PASSWORD = "seven brown kettles sing";

// Debian's Chromium. It ends with the file of tests that asked for it. What it asks of the house goes over the wire, if
// there is one.
export async function browser(house, wire) {
  const way = wire ? [`--host-resolver-rules=MAP ${new URL(house.site).host} 127.0.0.1:${wire.port}`] : [];
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", ...way],
  });
  after(() => browser.close());
  return browser;
}

// Somebody who sits down at a browser of their own: nothing is known there yet. Whatever a page may not do, or does
// wrong, is a fault: `person.faults` has it in words.
export async function sit(browser, house, options = {}) {
  const context = await browser.newContext({ baseURL: house.site, ignoreHTTPSErrors: true, locale: "en-GB", ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const person = await context.newPage();
  person.faults = [];
  person.on("pageerror", (fault) => person.faults.push(`${person.url()}: ${fault}`));
  person.on("console", (line) => {
    if (line.type() === "error" && /Content Security Policy/.test(line.text())) person.faults.push(`${person.url()}: ${line.text()}`);
  });
  return person;
}

// Behind the link of an invitation.
export async function openAccount(person, link, name, password = PASSWORD) {
  await person.goto(link);
  await person.getByLabel("Your name").fill(name);
  await person.getByLabel("Choose a password").fill(password);
  await person.getByRole("button", { name: "Open the account" }).click();
}

export async function signIn(person, address, password) {
  await person.goto("/sign-in");
  await person.getByLabel("Address").fill(address);
  await person.getByLabel("Password", { exact: true }).fill(password);
  await person.getByRole("button", { name: "Sign in" }).click();
}

// The heading says which page it is; it is there before the script, and whoever is as quick as that goes without.
export const heading = async (person, words) => {
  await person.getByRole("heading", { level: 1, name: words }).waitFor();
  await person.waitForLoadState("load");
};
