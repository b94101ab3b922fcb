import { pcapngBytes, readCapture } from "../../../packages/packet/src/pcapng.ts";
import type { FuzzTarget } from "../target.ts";

/** The capture reader: any bytes at all, and never more data out than went in. */
export const target: FuzzTarget = {
  run(input) {
    let bytes = 0;
    for (const event of readCapture(input)) if (event.type === "packet") bytes += event.data.length;
    if (bytes > input.length) throw new Error(`${bytes} bytes of packets in a file of ${input.length}`);
  },
  seeds() {
    const frame = new Uint8Array(60).fill(0xff);
    const pcapng = pcapngBytes((writer) => {
      writer.addInterface({ name: "eth0", snapLength: 40, speed: 1e9 });
      writer.names([{ address: Uint8Array.of(192, 0, 2, 1), name: "one" }]);
      writer.packet({ interface: 0, time: 1, data: frame, comment: "c", direction: "inbound", dropReason: "NOMEM" });
      writer.interfaceStatistics({ interface: 0, time: 2, received: 1, dropped: 0 });
    });
    const pcap = new Uint8Array(24 + 16 + 8);
    const view = new DataView(pcap.buffer);
    [0xa1b2c3d4, 0x00020004, 0, 0, 65535, 1, 7, 8, 8, 60].forEach((word, i) => view.setUint32(i * 4, word, true));
    return [pcapng, pcap];
  },
};
