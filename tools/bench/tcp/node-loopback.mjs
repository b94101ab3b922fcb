// The reference line of `pnpm bench tcp`: Node's own `net` over the kernel's loopback, both ends in this process.
// usage: node node-loopback.mjs BYTES        prints {"bytes":…,"cpuNanos":…} (user and system time of both ends)
import { connect, createServer } from "node:net";

const goal = Number(process.argv[2]);
const chunk = Buffer.alloc(64 * 1024, 0x5a);
let received = 0;
let start;

const server = createServer((socket) => {
  socket.on("data", (data) => {
    received += data.length;
    if (received < goal) return;
    const { user, system } = process.cpuUsage(start);
    console.log(JSON.stringify({ bytes: received, cpuNanos: (user + system) * 1000 }));
    process.exit();
  });
});

server.listen(0, "127.0.0.1", () => {
  const client = connect(server.address().port, "127.0.0.1", () => {
    start = process.cpuUsage();
    let sent = 0;
    const fill = () => {
      while (sent < goal) {
        sent += chunk.length;
        if (!client.write(chunk)) return;
      }
    };
    client.on("drain", fill);
    fill();
  });
});
