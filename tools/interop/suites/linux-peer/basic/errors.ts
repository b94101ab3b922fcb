import { check } from "../../../lib/suite.ts";
import { ping } from "./ping.ts";
import { LEFT, SERVER } from "./topology.ts";
import { defineCases, type GuestCase } from "./two-guests.ts";

/** Sends a datagram from a connected socket and prints the error that comes back as ICMP. */
function sendAndWait(address: string, port: number): string {
  const family = address.includes(":") ? "AF_INET6" : "AF_INET";
  return (
    `python3 -c 'import socket,errno\n` +
    `s=socket.socket(socket.${family},socket.SOCK_DGRAM);s.settimeout(5);s.connect(("${address}",${port}));s.send(b"x")\n` +
    `try:\n s.recv(10);print("answered")\n` +
    `except OSError as e: print(errno.errorcode.get(e.errno,"timeout"))'`
  );
}

export const errorCases: readonly GuestCase[] = defineCases([
  {
    name: "port unreachable (RFC 792, RFC 4443 §3.1): the guest's socket gets ECONNREFUSED from our host",
    quick: true,
    async run({ left }) {
      for (const address of [SERVER.ipv4, SERVER.ipv6]) {
        const text = await left.expect(sendAndWait(address, 9));
        check(text.includes("ECONNREFUSED"), "ECONNREFUSED", text);
      }
      return "both families";
    },
  },
  {
    name: "host unreachable (RFC 792): the last router finds no neighbour and says so",
    quick: true,
    async run({ left }) {
      const v4 = await ping(left, "-c 1 -W 8 10.82.3.99");
      check(
        /From 10\.82\.9\.2 .*Destination Host Unreachable/.test(v4.text),
        "host unreachable from 10.82.9.2",
        v4.text,
      );
      const v6 = await ping(left, "-c 1 -W 8 2001:db8:82:3::99");
      const words = /From 2001:db8:82:9::2 .*Destination unreachable: Address unreachable/;
      check(words.test(v6.text), "address unreachable from 2001:db8:82:9::2", v6.text);
      return "host unreachable, address unreachable";
    },
  },
  {
    name: "network unreachable (RFC 792), no route (RFC 4443 §3.1): from the first router",
    quick: true,
    async run({ left }) {
      const v4 = await ping(left, "-c 1 192.0.2.1");
      check(
        v4.text.includes(`From ${LEFT.router4}`) && v4.text.includes("Destination Net Unreachable"),
        "net unreachable",
        v4.text,
      );
      const v6 = await ping(left, "-c 1 2001:db8:ffff::1");
      check(/From 2001:db8:82:1::1 .*Destination unreachable: No route/.test(v6.text), "no route", v6.text);
      return "net unreachable, no route";
    },
  },
  {
    name: "the routers themselves: a datagram to a closed port of theirs",
    async run({ left }) {
      for (const address of [LEFT.router4, LEFT.router6]) {
        const text = await left.expect(sendAndWait(address, 9));
        check(text.includes("ECONNREFUSED"), "ECONNREFUSED", text);
      }
      return "ECONNREFUSED, both families";
    },
  },
]);
