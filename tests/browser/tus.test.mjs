// A public tus client before the real program: it is cut off and goes on by itself, is given up, and another takes over.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import https from "node:https";
import { after } from "node:test";
import tus from "tus-js-client";
import { House } from "./house.mjs";
import { browser, heading, openAccount, sit, story } from "./people.mjs";
import { Wire } from "./wire.mjs";

const MIB = 1024 * 1024;

story("tus-js-client is cut off and resumes", async () => {
  const house = await House.open();
  after(() => house.close());
  const kim = await sit(await browser(house), house);
  await openAccount(kim, await house.invite("kim@partner.example", "Kim Kerr"), "Kim Kerr");
  await heading(kim, "New drop-off");

  // A drop-off to upload into, begun as the page does it.
  const form = await kim.locator("#dropoff input[name=form]").inputValue();
  const begun = await kim.context().request.post("/dropoff/begin", { multipart: { form, to: house.user, subject: "A film" } });
  assert.equal(begun.status(), 201);
  const { id } = await begun.json();

  const octets = randomBytes(24 * MIB);
  const wire = await Wire.to(house.site, 8 * MIB);
  after(() => wire.close());
  const gate = `https://127.0.0.1:${wire.port}`;
  const session = (await kim.context().cookies()).find((cookie) => cookie.name === "__Host-session");
  const httpStack = new tus.DefaultHttpStack({ agent: new https.Agent({ ca: await readFile(house.ca) }) });
  const upload = (options) => new Promise((done, failed) => {
    const upload = new tus.Upload(octets, {
      httpStack,
      retryDelays: [0, 200, 500, 1000, 2000],
      metadata: { dropoff: id, filename: "film.bin", filetype: "application/octet-stream" },
      headers: { Cookie: `${session.name}=${session.value}` },
      onError: failed,
      onSuccess: () => done(upload),
    });
    Object.assign(upload.options, options(upload, done));
    upload.start();
  });

  // Cut off in the first third, it goes on by itself; in the last third it is given up.
  const offsets = [];
  let cuts = 0;
  const first = await upload((upload, done) => {
    wire.full = () => {
      cuts += 1;
      if (cuts === 1) {
        wire.cut();
        wire.mend(10 * MIB);
      } else {
        upload.abort().then(() => done(upload));
      }
    };
    return {
      endpoint: `${gate}/files`,
      onBeforeRequest: (asked) => { if (asked.getMethod() === "PATCH") offsets.push(Number(asked.getHeader("Upload-Offset"))); },
    };
  });
  wire.mend();
  assert.equal(cuts, 2);
  assert.ok(offsets.at(-1) > 0, `it went on where it stood, not at ${offsets}`);
  // Another knows no more than the address.
  const second = await upload(() => ({ uploadUrl: first.url }));
  assert.equal(second.url, first.url);

  await kim.goto(`/dropoff/${id}`);
  await kim.getByText("Uploaded", { exact: true }).waitFor();
  await kim.getByRole("button", { name: "Send" }).click();
  await heading(kim, "Sent");
  await kim.getByText(createHash("sha256").update(octets).digest("hex")).waitFor();
});
