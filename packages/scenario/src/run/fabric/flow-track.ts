import { ETH_P_IP, ETH_P_IPV6, ipv4, ipv6, tcp, type Packet } from "@seville/packet";
import { readSequence } from "../datagram.ts";

const ETHERNET = 14;

/** The order in which frames of a flow were sent, and that in which they arrived. */
export class FlowTrack {
  /** Numbers of the frames that arrived, in order of arrival. */
  readonly arrivals: number[] = [];
  sent = 0;
  /** TCP: those that begin below what was sent before. */
  sentAgain = 0;
  /** Frames on their way by what is written on them. The same segment may be under way twice: the first that comes counts as the first sent. */
  readonly #underway = new Map<number, number[]>();
  #firstId: number | undefined;
  #highest = 0;

  leaves(id: number, isTcp: boolean): void {
    const number = this.sent++;
    const others = this.#underway.get(id);
    if (others === undefined) this.#underway.set(id, [number]);
    else others.push(number);
    if (!isTcp) return;
    const offset = (id - (this.#firstId ??= id)) >>> 0;
    if (number > 0 && offset <= this.#highest) this.sentAgain++;
    else this.#highest = offset;
  }

  arrives(id: number): void {
    const number = this.#take(id);
    if (number !== undefined) this.arrivals.push(number);
  }

  isDropped(id: number): void {
    this.#take(id);
  }

  #take(id: number): number | undefined {
    const numbers = this.#underway.get(id);
    const number = numbers?.shift();
    if (numbers?.length === 0) this.#underway.delete(id);
    return number;
  }
}

/** What the frame under the eye is. Filled by {@link readFrame}. */
export interface FrameFacts {
  destinationPort: number;
  /** TCP: its sequence number; UDP: the number of the datagram. */
  id: number;
  isTcp: boolean;
}

const facts: FrameFacts = { destinationPort: 0, id: 0, isTcp: false };

/** Reads a frame with TCP payload or a numbered datagram; `undefined`: it is none. The answer is overwritten by the next. */
export function readFrame(frame: Packet): FrameFacts | undefined {
  const { memory } = frame.pool;
  const { view } = memory;
  if (frame.length < ETHERNET + 28) return undefined;
  const network = frame.data + ETHERNET;
  let transport: number;
  let protocol: number;
  let end: number;
  switch (view.getUint16(frame.data + 12)) {
    case ETH_P_IP:
      if (ipv4.isFragment(view, network)) return undefined;
      protocol = ipv4.protocol(view, network);
      transport = network + ipv4.headerLength(view, network);
      end = Math.min(frame.tail, network + ipv4.totalLength(view, network));
      break;
    case ETH_P_IPV6:
      protocol = ipv6.nextHeader(view, network);
      transport = network + ipv6.HEADER_LENGTH;
      end = Math.min(frame.tail, transport + ipv6.payloadLength(view, network));
      break;
    default:
      return undefined;
  }
  if (protocol === 17 && end - transport >= 8) {
    const number = readSequence(memory, transport + 8, end - transport - 8);
    if (number === undefined) return undefined;
    facts.id = number;
    facts.isTcp = false;
  } else if (protocol === 6 && end - transport >= 20) {
    if (end - transport <= tcp.headerLength(view, transport)) return undefined;
    facts.id = tcp.sequence(view, transport);
    facts.isTcp = true;
  } else {
    return undefined;
  }
  facts.destinationPort = view.getUint16(transport + 2);
  return facts;
}
