// A TCP transfer whose bytes can be compared: `transfer.mjs receive ADDRESS PORT`, `transfer.mjs send ADDRESS PORT BYTES SEED`.
// Each prints the SHA-256 of what it moved.
import { createCipheriv, createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";

const [mode, host, port, bytes, seed] = process.argv.slice(2);

/** `count` bytes that repeat nowhere, the same for the same seed. */
function* noise(count) {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(65_536);
  for (let left = count; left > 0; left -= zeros.length)
    yield cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
}

const hash = createHash("sha256");
let moved = 0;
async function* hashed(source) {
  for await (const chunk of source) {
    hash.update(chunk);
    moved += chunk.length;
    yield chunk;
  }
}

const done = () => console.log(`${moved} ${hash.digest("hex")}`);
if (mode === "receive") {
  const server = createServer((socket) => {
    server.close();
    (async () => {
      for await (const chunk of hashed(socket)) void chunk;
      done();
    })();
  });
  server.listen(Number(port), host, () => console.log("ready"));
} else {
  const socket = connect(Number(port), host);
  await pipeline(Readable.from(hashed(noise(Number(bytes)))), socket);
  done();
}
