import { check } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { SERVER } from "./topology.ts";
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
    name: "our host pings the guest: its replies are taken",
    async run({ world, right }) {
      const before = world.hosts.get("server")?.mib.icmp.InErrors ?? 0;
      const { received, text } = await ping(right, `-c 3 -s 0 ${SERVER.ipv4}`);
      check(received === 3, "3 replies to empty pings", text);
      check((world.hosts.get("server")?.mib.icmp.InErrors ?? 0) === before, "no ICMP error counted", text);
      return "also without payload";
    },
  },
]);
