// The way between a browser and the house, which can be cut. Loopback only.
import { once } from "node:events";
import net from "node:net";

export class Wire {
  #pairs = new Set();
  #isCut = false;
  // Called when all that may come through has.
  full = () => {};

  // Lets so many octets through to the house, over all of its connections; what is more has to wait.
  static async to(site, most) {
    const wire = new Wire();
    const { hostname, port } = new URL(site);
    wire.left = most;
    wire.server = net.createServer((near) => wire.#join(near, net.connect(Number(port), hostname)));
    wire.server.listen(0, "127.0.0.1");
    await once(wire.server, "listening");
    wire.port = wire.server.address().port;
    return wire;
  }

  // Whatever is under way breaks, and nothing comes through any more.
  cut() {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.end();
  }

  // It comes through again, all or so many octets.
  mend(most = Infinity) {
    this.#isCut = false;
    this.left = most;
  }

  close() {
    this.cut();
    this.server.close();
  }

  #join(near, far) {
    const pair = { end: () => { near.destroy(); far.destroy(); this.#pairs.delete(pair); } };
    this.#pairs.add(pair);
    for (const side of [near, far]) side.on("error", () => {}).on("close", pair.end);
    if (this.#isCut) return pair.end();
    near.on("data", (piece) => {
      const hadRoom = this.left >= 0;
      this.left -= piece.length;
      if (!far.write(piece) || this.left < 0) near.pause();
      if (hadRoom && this.left < 0) this.full();
    });
    far.on("drain", () => { if (this.left > 0) near.resume(); });
    far.pipe(near);
  }
}
