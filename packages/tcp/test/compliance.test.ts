import { createRandom, simulatedSecrets } from "@seville/core";
import { runCompliance } from "@seville/core/compliance";
import { type Packet, PacketPool, parseIp } from "@seville/packet";
import { describe, test } from "vitest";
import { TcpEndpoint, type TcpMeta, type TcpOutput } from "../src/index.ts";

const HERE = parseIp("10.0.0.1");
/** Each engine of the suite has a pool of its own, since nobody gives garbage and the answers to it back. */
let pool = new PacketPool();

function endpoint(label: string): TcpEndpoint {
  const random = createRandom(5).fork(label);
  return new TcpEndpoint({
    pool,
    random: random.fork("random"),
    secretRandom: simulatedSecrets(random.fork("secret")),
    route: () => ({ mtu: 1500 }),
  });
}

const META: TcpMeta = { source: parseIp("10.0.0.2"), destination: HERE, ecn: 0 };
const samples: Uint8Array[] = [];
const inputs: Packet[] = [];

describe("the contract of an engine", () => {
  const cases = runCompliance<Packet, TcpMeta, TcpOutput, ReturnType<TcpEndpoint["pollEvent"]> & object, TcpEndpoint>({
    make() {
      pool = new PacketPool({ small: 20_000, jumbo: 16, super: 16 });
      return endpoint("one");
    },
    drive(driver) {
      // The peer is another endpoint, which is no part of the story: it answers, and loses now and then.
      const peer = endpoint("peer");
      const dice = createRandom(11);
      const listener = peer.listen({ port: 80 }, driver.now);
      driver.call((one, now) => void one.listen({ port: 22 }, now));
      let c: ReturnType<TcpEndpoint["connect"]> | undefined;
      driver.call((one, now) => {
        c = one.connect({ address: HERE, port: 1000 }, { address: META.source, port: 80 }, {}, now);
      });
      const data = new Uint8Array(30_000).fill(3);
      let accepted: ReturnType<TcpEndpoint["accept"]>;
      for (let round = 0; round < 60; round++) {
        for (const output of driver.takeOutputs()) {
          if (samples.length < 60) samples.push(output.packet.bytes().slice());
          if (!dice.bool(0.1))
            peer.handle(output.packet, { source: HERE, destination: META.source, ecn: 0 }, driver.now);
          output.packet.release();
        }
        if (peer.nextTimeout() <= driver.now) peer.handleTimeout(driver.now);
        accepted ??= peer.accept(listener, driver.now);
        if (accepted !== undefined && round < 50) {
          peer.receive(accepted, new Uint8Array(50_000), 0, driver.now);
          if (round === 20) peer.send(accepted, data, 0, driver.now);
        }
        if (accepted !== undefined && round === 50) peer.close(accepted, driver.now);
        while (peer.pollEvent() !== undefined) continue;
        for (let back = peer.poll(driver.now); back !== undefined; back = peer.poll(driver.now)) {
          driver.handle(back.packet, META);
          back.packet.release();
        }
        const events = driver.takeEvents();
        if (c !== undefined && events.some((event) => event.type === "connected" || event.type === "writable")) {
          const open = c;
          driver.call((one, now) => void one.send(open, data, 0, now));
        }
        if (c !== undefined && events.some((event) => event.type === "readable")) {
          const open = c;
          driver.call((one, now) => void one.receive(open, new Uint8Array(100_000), 0, now));
        }
        if (c !== undefined && round === 45) {
          const open = c;
          driver.call((one, now) => one.close(open, now));
        }
        driver.advance(20_000_000);
      }
      for (const output of driver.takeOutputs()) output.packet.release();
      peer.destroy();
    },
    describeOutput: (output) =>
      `${output.departure} ${output.ecn} ${Buffer.from(output.packet.bytes()).toString("hex")}`,
    describeEvent: (event) => event.type,
    fromBytes(bytes) {
      const input = pool.from(bytes);
      if (input === undefined) throw new Error("the pool is empty");
      inputs.push(input);
      if (inputs.length > 16) inputs.shift()?.release();
      return { input, meta: META };
    },
    samples,
    reuse(input) {
      input.bytes().fill(0x5a);
    },
    departure: (output) => output.departure,
  });
  for (const { promise, run } of cases) test(promise, run);
});
