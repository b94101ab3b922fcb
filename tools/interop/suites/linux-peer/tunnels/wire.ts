import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { PcapngWriter } from "../../../../../packages/packet/src/pcapng.ts";
import type { World, WorldLink } from "../../../../../packages/scenario/src/index.ts";
import type { Packet } from "../../../../../packages/packet/src/index.ts";
import { CaseFailure } from "../../../lib/suite.ts";
import type { Side } from "./addresses.ts";
import { fixOuterIp, readOuterIp } from "./mutation.ts";

/** By whom a frame was sent. */
export type Sender = "guest" | "ours";

interface Seen {
  readonly sender: Sender;
  readonly frame: Uint8Array;
}

interface Capture {
  readonly file: number;
  readonly writer: PcapngWriter;
}

function openCapture(path: string): Capture {
  mkdirSync(dirname(path), { recursive: true });
  // Another run that still writes keeps its own file.
  rmSync(path, { force: true });
  const file = openSync(path, "w");
  return { file, writer: new PcapngWriter((chunk) => void writeSync(file, chunk), { application: "Seville" }) };
}

const SIDES = ["near", "far"] as const;
const ETHERNET = 14;
/** Frames that are kept to look something up in. */
const KEPT = 4000;
/** Where `link.ends` of the topology says that the guest is. */
const GUEST_IS_A = "aToB";

/** Looks at what passes between us and the guest, writes it to a pcapng file, and sends frames that nobody made. */
export class Wire {
  readonly #world: World;
  readonly #captures: { readonly finished: Capture; readonly unfinished: Capture };
  readonly #injected = new Set<Packet>();
  #seen: Seen[] = [];
  /** While `true`, frames that were broken on purpose may be answered in ways that are not for tshark. */
  paused = false;
  /** While `true`, inner checksums are left to the receiver (remote checksum offload): those frames have a file of their own. */
  unfinished = false;

  constructor(world: World, paths: { readonly finished: string; readonly unfinished: string }) {
    this.#world = world;
    this.#captures = { finished: openCapture(paths.finished), unfinished: openCapture(paths.unfinished) };
    for (const side of SIDES) this.#listen(side);
  }

  /** Forgets what passed so far. */
  clear(): void {
    this.#seen = [];
  }

  /** The first IP packet of near's link by `sender` that contains `text`, from its outer header. */
  find(sender: Sender, text: string): Uint8Array | undefined {
    const found = this.#seen.find((each) => each.sender === sender && Buffer.from(each.frame).includes(text));
    return found?.frame.slice(ETHERNET);
  }

  /** {@link Wire.find}, or the case fails. */
  packet(sender: Sender, text: string): Uint8Array {
    const found = this.find(sender, text);
    if (found === undefined)
      throw new CaseFailure(`no frame by ${sender} with ${JSON.stringify(text)} was on the wire`);
    return found;
  }

  /** Sends an IP packet on near's link as if `sender` had, with an outer header whose lengths are right. Not captured. */
  inject(sender: Sender, packet: Uint8Array): void {
    const { link } = this.#linkOf("near");
    const model = this.#seen.find((each) => each.sender === sender && each.frame[ETHERNET] === packet[0]);
    const any = model ?? this.#seen.find((each) => each.sender === sender);
    if (any === undefined) throw new CaseFailure(`${sender} has not sent anything whose Ethernet header could be used`);
    const frame = new Uint8Array(ETHERNET + packet.length);
    frame.set(any.frame.subarray(0, ETHERNET));
    frame.set(fixOuterIp(packet), ETHERNET);
    const { family } = readOuterIp(packet);
    new DataView(frame.buffer).setUint16(12, family === 4 ? 0x0800 : 0x86dd);
    const made = this.#world.pool.from(frame);
    if (made === undefined) throw new CaseFailure("the pool is empty");
    this.#injected.add(made);
    (sender === "guest" ? link.a : link.b).send(made);
  }

  /** Has the files hold all that passed. */
  flush(): void {
    for (const { writer } of Object.values(this.#captures)) writer.flush();
  }

  close(): void {
    this.flush();
    for (const { file } of Object.values(this.#captures)) closeSync(file);
  }

  #listen(side: Side): void {
    for (const { writer } of Object.values(this.#captures)) writer.addInterface({ name: side });
    this.#linkOf(side).link.tap({
      frame: (direction, point, packet, now) => {
        if (point === "sent") return;
        if (this.#injected.delete(packet) || point === "dropped") return;
        const sender = direction === GUEST_IS_A ? "guest" : "ours";
        const data = packet.bytes().slice();
        if (!this.paused) {
          const { writer } = this.#captures[this.unfinished ? "unfinished" : "finished"];
          writer.packet({
            interface: SIDES.indexOf(side),
            time: now,
            data,
            direction: sender === "guest" ? "inbound" : "outbound",
          });
        }
        if (side === "far") return;
        if (this.#seen.length >= KEPT) this.#seen.splice(0, KEPT / 2);
        this.#seen.push({ sender, frame: data });
      },
    });
  }

  #linkOf(side: Side): WorldLink {
    const link = this.#world.links.get(side);
    if (link === undefined) throw new Error(`the topology has no link ${side}`);
    return link;
  }
}
