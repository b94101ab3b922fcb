import { startPing, type PingReport } from "../../../../../packages/stack/src/index.ts";
import { check } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { LEFT, SERVER } from "./topology.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

/** Sends `sizes` datagrams to UDP port 7 of our host, one after the other, and compares the answers. */
function echoScript(address: string, sizes: readonly number[]): string {
  const family = address.includes(":") ? "AF_INET6" : "AF_INET";
  return (
    `python3 -c 'import socket,os\n` +
    `s=socket.socket(socket.${family},socket.SOCK_DGRAM);s.settimeout(1);s.connect(("${address}",7));n=0\n` +
    `for size in [${sizes.join(",")}]:\n` +
    // The first that is too long for the path brings EMSGSIZE, once: then the guest's kernel knows the path's MTU; and
    // of the answers the first is lost, from which ours learns it.
    ` d=os.urandom(size)\n` +
    ` for again in range(3):\n` +
    `  try:\n` +
    `   s.send(d)\n` +
    `   if s.recv(65535)==d: n+=1\n` +
    `   break\n` +
    `  except socket.timeout: pass\n` +
    `  except OSError as e:\n` +
    `   if e.errno!=90: raise\n` +
    `print("same",n)'`
  );
}

export const hostCases: readonly GuestCase[] = defineCases([
  {
    name: "our host answers ping, both families (RFC 1122 §3.2.2.6, RFC 4443 §4.2)",
    quick: true,
    async run({ left }) {
      for (const address of [SERVER.ipv4, SERVER.ipv6]) {
        const report = await ping(left, `-c 10 ${address}`);
        check(report.received === 10, "10 replies", report.text);
      }
      return "20 of 20";
    },
  },
  {
    name: "our host answers UDP (RFC 862), 0 bytes to 9000, both families",
    quick: true,
    async run({ left }) {
      const sizes = [0, 1, 2, 3, 100, 1372, 1373, 1472, 4000, 9000];
      for (const address of [SERVER.ipv4, SERVER.ipv6]) {
        const text = await left.expect(echoScript(address, sizes), 60_000);
        check(text.includes(`same ${sizes.length}`), `${sizes.length} answers with the same bytes`, text);
      }
      return `${2 * sizes.length} of ${2 * sizes.length}, checksums and fragments included`;
    },
  },
  {
    name: "our host pings the guests: the kernel's replies are taken, both families, empty and in fragments",
    quick: true,
    async run({ world }) {
      const server = world.hosts.get("server");
      if (server === undefined) throw new Error("the topology has no host called server");
      let told = "";
      for (const target of [LEFT.ipv4, LEFT.ipv6]) {
        for (const size of [0, 56, 3000]) {
          const report = await new Promise<PingReport>((resolve) => {
            // It is another's turn of the simulation: what it schedules begins with the next event.
            world.simulator.scheduleCall(world.simulator.now, () => {
              startPing(server, target, { count: 5, interval: 100e6, size, linger: 3e9, onDone: resolve });
            });
          });
          told = `${report.received} of 5 with ${size} bytes from ${target}, median ${(report.p50 / 1e6).toFixed(2)} ms`;
          // A request and a reply of 3000 bytes over IPv6 may be lost for each side to learn the path's MTU.
          const least = size === 3000 && target === LEFT.ipv6 ? 3 : 5;
          check(report.received >= least, `${least} replies of 5`, told);
        }
      }
      return told;
    },
  },
]);
