// Datagrams of one size, numbered: `datagrams.mjs receive ADDRESS PORT COUNT`, `datagrams.mjs send ADDRESS PORT COUNT SIZE PER_CALL`.
// The sender hands PER_CALL of them to the kernel at once, to be split on their way out (UDP_SEGMENT; udp(7)); the receiver
// prints how many came, and how many were not as they were sent.
import { createRequire } from "node:module";
import { createSocket } from "node:dgram";

const [mode, address, port, count, size, perCall] = process.argv.slice(2);
const require = createRequire(new URL("../../../../../../packages/host-link/package.json", import.meta.url));
const libc = require("koffi").load(null);
const setsockopt = libc.func("int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)");
const int = (value) => new Uint8Array(Int32Array.of(value).buffer);
const family = address.includes(":") ? 6 : 4;

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;

if (mode === "receive") {
  const socket = createSocket(`udp${family}`);
  const seen = new Set();
  let bad = 0;
  const finish = () => {
    console.log(JSON.stringify({ received: seen.size, bad }));
    process.exit(0);
  };
  socket.on("message", (message) => {
    const number = message.length >= 8 ? message.readUInt32BE(0) : -1;
    if (
      number < 0 ||
      message.readUInt32BE(4) !== message.length ||
      message.subarray(8).some((byte) => byte !== (number & 255))
    )
      bad++;
    else seen.add(number);
    if (seen.size === Number(count)) finish();
  });
  socket.bind(Number(port), address, () => {
    setsockopt(socket._handle.fd, SOL_SOCKET, SO_RCVBUFFORCE, int(64 << 20), 4);
    console.log("ready");
  });
  process.on("SIGINT", finish);
} else {
  const bytes = Number(size);
  const socket = createSocket(`udp${family}`);
  await new Promise((resolve) => socket.bind(0, resolve));
  await new Promise((resolve) => socket.connect(Number(port), address, resolve));
  if (setsockopt(socket._handle.fd, SOL_UDP, UDP_SEGMENT, int(bytes), 4) !== 0)
    throw new Error("this kernel has no UDP_SEGMENT");
  for (let next = 0; next < Number(count);) {
    const batch = Math.min(Number(perCall), Number(count) - next);
    const buffer = Buffer.alloc(batch * bytes);
    for (let i = 0; i < batch; i++, next++) {
      buffer.fill(next & 255, i * bytes, (i + 1) * bytes);
      buffer.writeUInt32BE(next, i * bytes);
      buffer.writeUInt32BE(bytes, i * bytes + 4);
    }
    await new Promise((resolve, reject) => socket.send(buffer, (error) => (error ? reject(error) : resolve())));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  socket.close();
}
