import { millis } from "@seville/core";
import { compose, parseIpv4, tcp, type Layer } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { closeHost, openUdp, type Host } from "../src/index.ts";
import { enableResequencing } from "../src/offload/index.ts";
import { codeOf, pair } from "./support/world.ts";

/** A TCP segment as a frame for b's eth0. */
function frame(b: Host, sequence: number, payload = 10): Uint8Array {
  return compose([
    { ethernet: { source: 0x02_0000_000099, destination: b.interfaces.named("eth0").mac } },
    { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } },
    { tcp: { sourcePort: 1000, destinationPort: 80, sequence, flags: tcp.ACK, window: 1000 } },
    new Uint8Array(payload),
  ] satisfies Layer[]);
}

/** b with a protocol in TCP's place that notes the order. */
function receiver() {
  const net = pair();
  const eth0 = net.b.interfaces.named("eth0");
  const seen: number[] = [];
  net.b.registerProtocol(6, {
    name: "tcp",
    receive(packet) {
      seen.push(tcp.sequence(packet.pool.memory.view, packet.transportHeader));
      packet.release();
    },
    icmpError: () => undefined,
  });
  const arrive = (...sequences: readonly number[]): void => {
    for (const sequence of sequences)
      eth0.receive(net.world.pool.from(frame(net.b, sequence))!, net.world.simulator.now);
  };
  return { ...net, eth0, seen, arrive };
}

describe("H99 enableResequencing puts the segments that an interface receives into order", () => {
  test("and lets go of them when a timeout has passed", () => {
    const { world, eth0, seen, arrive } = receiver();
    const resequencing = enableResequencing(eth0, { timeout: millis(2) });
    arrive(0, 20, 10, 40);
    expect(seen).toEqual([0, 10, 20]);
    expect(resequencing.held).toBe(1);
    world.runMs(1.9);
    expect(seen).toEqual([0, 10, 20]);
    world.runMs(0.2);
    expect(seen).toEqual([0, 10, 20, 40]);
    expect(resequencing.stats).toMatchObject({ received: 4, passed: 2, reordered: 1, timedOut: 1 });
  });

  test("without it they come as they came", () => {
    const { seen, arrive } = receiver();
    arrive(0, 20, 10);
    expect(seen).toEqual([0, 20, 10]);
  });

  test("a second gap has its own timeout", () => {
    const { world, eth0, seen, arrive } = receiver();
    enableResequencing(eth0, { timeout: millis(2) });
    arrive(0, 20);
    world.runMs(1);
    arrive(60);
    world.runMs(1.1);
    expect(seen).toEqual([0, 20]);
    world.runMs(1);
    expect(seen).toEqual([0, 20, 60]);
  });

  test("other traffic is not touched", () => {
    const { world, a, b, eth0 } = receiver();
    enableResequencing(eth0);
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    openUdp(a).send(Uint8Array.of(7), { address: "10.0.0.2", port: 5000 });
    world.runMs(10);
    expect(socket.recv()?.data).toEqual(Uint8Array.of(7));
  });

  test("disabling it lets go of what waits, in order; the interface is free for another handler", () => {
    const { eth0, seen, arrive } = receiver();
    const resequencing = enableResequencing(eth0);
    expect(codeOf(() => enableResequencing(eth0))).toBe("EBUSY");
    arrive(0, 40, 20);
    resequencing.disable();
    expect(seen).toEqual([0, 20, 40]);
    arrive(90, 80);
    expect(seen).toEqual([0, 20, 40, 90, 80]);
    enableResequencing(eth0).disable();
  });

  test("a host that is taken apart gives back what waits", () => {
    const { b, eth0, seen, arrive } = receiver();
    enableResequencing(eth0);
    arrive(0, 20);
    closeHost(b);
    expect(seen).toEqual([0]);
  });
});
