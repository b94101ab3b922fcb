import { Simulator } from "../../../packages/sim/src/index.ts";
import { createRandom } from "../../../packages/core/src/index.ts";
import { TapDriver } from "../../../packages/host-link/src/tap-nic/driver.ts";
import { ALL_OFFLOADS, declareTap } from "../../../packages/host-link/src/tap-nic/features.ts";
import type { TapHardware, TapQueue } from "../../../packages/host-link/src/tap-nic/tap-queues.ts";
import { NetDev } from "../../../packages/netdev/src/index.ts";
import { PacketPool, type Packet } from "../../../packages/packet/src/index.ts";
import type { FuzzTarget } from "../target.ts";

const pool = new PacketPool({ small: 2048, jumbo: 16, super: 8 });
const VXLAN = {
  name: "vxlan",
  ports: [4789],
  headerBytes: 8,
  require: [{ offset: 0, mask: 0xff, value: 0x08 }],
  inner: { etherType: 0x6558 },
};
/** The longest record that a driver here may write: a header, and a frame with a tag. */
const LONGEST = 24 + 65_553;

/** A TAP device whose kernel has `records` to send, and which hands what comes in to `receive`. */
function device(records: Uint8Array[], headerBytes: 12 | 24, receive: (packet: Packet) => void) {
  const scheduler = new Simulator({ random: createRandom(1) });
  let isMasked = true;
  const queue: TapQueue = {
    bytes: new Uint8Array(70_000),
    drain(limit, visit) {
      let count = 0;
      for (; count < limit && records.length > 0; count++) {
        const record = records.shift() as Uint8Array;
        queue.bytes.set(record);
        visit(0, record.length);
      }
      return count;
    },
    unmask: () => !(isMasked = records.length > 0),
    write(pieces) {
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (length < headerBytes + 14 || length > LONGEST) throw new Error(`a record of ${length} bytes`);
      return undefined;
    },
  };
  const hardware: TapHardware = { queues: [queue], onInterrupt: () => undefined, setOffloads: () => true };
  const grant = { headerBytes, offloads: headerBytes === 24 ? ALL_OFFLOADS : ALL_OFFLOADS & 0x0f };
  const later: (() => void)[] = [];
  const driver = new TapDriver({
    hardware,
    pool,
    grant,
    maxFrameBytes: 65_553,
    inject: (input) => {
      input(scheduler.now);
      return undefined;
    },
    later: (call) => void later.push(call),
    accepts: () => true,
    onDrop: () => undefined,
  });
  const made = new NetDev({ ...declareTap(grant), name: "tap0" }, driver, {
    scheduler,
    pool,
    receive,
    gro: { udp: true, tunnels: [VXLAN] },
    fragmentId: () => 1,
  });
  made.open(0);
  driver.bind(made);
  const settle = (): void => {
    do {
      for (const call of later.splice(0)) call();
      scheduler.run();
    } while (later.length > 0);
  };
  return { made, settle, isMasked: () => isMasked };
}

/**
 * Records of a kernel that is not to be trusted, into one TAP device, through GRO, and out of another, whose kernel may be older:
 * nothing throws, nothing leaks, and nothing goes out that is no frame.
 */
export const target: FuzzTarget = {
  run(input) {
    const [bits = 0] = input;
    const records: Uint8Array[] = [];
    for (let at = 1; at + 2 <= input.length;) {
      const length = ((input[at] as number) << 8) | (input[at + 1] as number);
      records.push(input.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    const count = records.length;
    const exit = device([], (bits & 1) === 0 ? 24 : 12, (packet) => packet.release());
    const entry = device(records, (bits & 2) === 0 ? 24 : 12, (packet) => {
      exit.made.transmit(packet, 0);
    });
    entry.settle();
    exit.settle();
    if (records.length > 0 || entry.isMasked())
      throw new Error(`${records.length} of ${count} records are left behind`);
    for (const each of [entry, exit]) each.made.stop(0);
    pool.assertDrained();
  },
  seeds() {
    const word = (value: number): number[] => [value >> 8, value & 255];
    const record = (header: readonly number[], frame: readonly number[]): number[] => {
      return [...word(header.length + frame.length), ...header, ...frame];
    };
    const mac = [...new Array<number>(6).fill(2), ...new Array<number>(6).fill(4), 8, 0];
    const ip = (protocol: number, length: number): number[] => {
      return [0x45, 0, ...word(20 + length), 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    };
    const tcp = [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0, ...new Array<number>(30).fill(7)];
    const udp = [0, 1, 0, 2, 0, 38, 0, 0, ...new Array<number>(30).fill(7)];
    const header = (type: number, offset: number, size: number): number[] => {
      const fields = [1, type, 54, 0, 10, 0, 34, 0, offset, 0];
      return [...fields, ...new Array<number>(size - fields.length).fill(0)];
    };
    const tcpFrame = [...mac, ...ip(6, tcp.length), ...tcp];
    const udpFrame = [...mac, ...ip(17, udp.length), ...udp];
    return [
      Uint8Array.from([0, ...record(header(1, 16, 24), tcpFrame), ...record(header(0, 16, 24), tcpFrame)]),
      Uint8Array.from([1, ...record(header(5, 6, 24), udpFrame), ...record(header(1, 16, 24), tcpFrame)]),
      Uint8Array.from([2, ...record(header(5, 6, 12), udpFrame), ...record(header(0, 6, 12), udpFrame)]),
    ];
  },
};
