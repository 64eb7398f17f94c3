// Uploads a file with tus-js-client through a proxy that cuts the connection off in the middle, twice: once the client
// goes on by itself, once another client takes over by the address alone.
import { readFileSync } from "node:fs";
import net from "node:net";
import * as tus from "tus-js-client";

const [site, dropoff, path] = process.argv.slice(2);
const octets = readFileSync(path);
const { hostname, port } = new URL(site);

// Lets so many octets of each connection through that may be cut, and then ends it.
let cuts = 1;
const proxy = net.createServer((near) => {
  const far = net.connect(Number(port), hostname);
  const isCut = cuts > 0;
  let passed = 0;
  near.on("data", (piece) => {
    passed += piece.length;
    if (isCut && cuts > 0 && passed > octets.length / 3) {
      cuts -= 1;
      console.log(`cut off after ${passed} octets`);
      near.destroy();
      far.destroy();
    } else if (!far.write(piece)) near.pause();
  });
  far.on("drain", () => near.resume());
  far.pipe(near);
  for (const side of [near, far]) side.on("error", () => {}).on("close", () => { near.destroy(); far.destroy(); });
});
await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
const gate = `https://${hostname}:${proxy.address().port}`;

const upload = (options) => new Promise((done, failed) => {
  const upload = new tus.Upload(octets, {
    retryDelays: [0, 200, 500, 1000, 2000],
    metadata: { dropoff, filename: "film.bin", filetype: "application/octet-stream" },
    headers: { Cookie: `__Host-session=${process.env.SESSION}` },
    onError: failed,
    onSuccess: () => done(upload),
    ...options,
  });
  options.prepare?.(upload, done);
  upload.start();
});

// The first is cut off by the proxy and goes on by itself; at two thirds it is given up.
const first = await upload({
  endpoint: `${gate}/files`,
  prepare: (upload, done) => {
    upload.options.onProgress = (sent, all) => {
      if (sent > all * 2 / 3 && cuts === 0) upload.abort().then(() => done(upload));
    };
  },
});
if (cuts > 0) throw new Error("nothing was cut off");
// The second knows no more than the address.
const second = await upload({ uploadUrl: first.url });
if (second.url !== first.url) throw new Error(`it began anew: ${second.url}`);
console.log("ok: tus-js-client was cut off, resumed by itself, was given up, and another took over");
proxy.close();
process.exit(0);
