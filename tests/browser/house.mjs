// A house of its own for each file of tests: the real program as `postern demo`, on ports that the system picks, with a
// mailbox that shows what was delivered. Loopback only.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import nodemailer from "nodemailer";
import { request } from "playwright-core";

// How long anything may take that a test waits for; a machine that does much else at once is slow.
export const PATIENCE_MS = 60_000;
const ASKED_EVERY_MS = 50;

export class House {
  // `settings` as the environment has them: { REGISTRATION__VERIFY_EMAIL: "true" }.
  static async open(settings = {}) {
    const house = new House();
    house.home = await mkdtemp(path.join(tmpdir(), "postern-"));
    const environment = Object.entries(settings).map(([key, value]) => [`POSTERN__${key}`, value]);
    house.process = spawn(program(), ["demo", "--json", "--keep", house.home], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...Object.fromEntries(environment) },
    });
    const facts = await Promise.race([
      once(createInterface(house.process.stdout), "line"),
      once(house.process, "exit").then(() => { throw new Error("the demo ended before it listened"); }),
    ]);
    const { web, mailbox, user, password, invite, submission, ca } = JSON.parse(facts[0]);
    // The pages and the mailbox, the staff member, the address that invites, the door for mail and its authority.
    Object.assign(house, { site: web, mailbox, user, password, gate: invite, submission, ca });
    house.asking = await request.newContext({ ignoreHTTPSErrors: true });
    return house;
  }

  async close() {
    await this.asking.dispose();
    this.process.kill("SIGINT");
    if (this.process.exitCode === null) await once(this.process, "exit");
    await rm(this.home, { recursive: true, force: true });
  }

  // A mail by SMTP, as the staff member's own mail client sends it.
  async submit(mail) {
    const [host, port] = this.submission.split(":");
    const client = nodemailer.createTransport({
      host,
      port: Number(port),
      requireTLS: true,
      tls: { ca: await readFile(this.ca) },
      auth: { user: this.user, pass: this.password },
    });
    await client.sendMail({ from: { name: "Alex Doe", address: this.user }, ...mail });
    client.close();
  }

  // Invites this person by mail, and gives the link.
  async invite(to, name) {
    const text = "Please send us the plans of the east wing.";
    await this.submit({
      to: name ? { name, address: to } : to, cc: this.gate, subject: "Plans of the east wing", text, html: `<p>${text}</p>`,
    });
    return this.link(to, "/i/");
  }

  // The page, in the demo's mailbox, of the newest mail to this person whose subject has these words.
  async mail(to, words = "") {
    const letter = await until(`a mail to ${to}: ${words}`, async () => {
      const list = await this.asking.get(this.mailbox, { headers: { Accept: "application/json" } });
      return (await list.json()).find((one) => one.to.includes(to) && one.subject.includes(words));
    });
    return `${this.mailbox}/${letter.id}`;
  }

  // The link that begins so, in the newest mail to this person that has one.
  async link(to, begins, words = "") {
    const letter = await this.asking.get(`${await this.mail(to, words)}.eml`);
    const link = (await letter.text()).replaceAll("=\r\n", "").match(new RegExp(`${this.site}${begins}[A-Za-z0-9]+`));
    if (!link) throw new Error(`no link ${begins}… in the mail to ${to}`);
    return link[0];
  }

  // A command of the program, as an administrator gives it, with this as its input. Gives what it printed.
  async command(words, input = "") {
    const child = spawn(program(), [...words, "--config", path.join(this.home, "postern.toml")], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(input);
    const pieces = [];
    child.stdout.on("data", (piece) => pieces.push(piece));
    const [code] = await once(child, "close");
    if (code !== 0) throw new Error(`postern ${words.join(" ")} ended with ${code}`);
    return Buffer.concat(pieces).toString();
  }
}

// Asks until there is an answer.
export async function until(what, ask) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => { setTimeout(done, ASKED_EVERY_MS); });
  }
}

function program() {
  if (!process.env.POSTERN) throw new Error("$POSTERN: the program to try; `cargo test --test browser` sets it");
  return process.env.POSTERN;
}
