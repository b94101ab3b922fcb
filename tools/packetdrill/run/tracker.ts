import type { CallObserver } from "../calls/process.ts";
import { ACK, SYN } from "../language/tcp-flags.ts";
import type { TcpSpec } from "../language/tcp-line.ts";
import type { SutSocket } from "../sut/system.ts";
import type { WireTcp } from "../wire/packet.ts";
import type { RunConfig } from "./config.ts";
import { Conversation } from "./conversation.ts";

/** Where the peer's ports begin. */
const FIRST_REMOTE_PORT = 33_000;

/** Which conversation a line is about: as in packetdrill, the one whose socket was made, or whose packet came, last. */
export class Tracker implements CallObserver {
  readonly #config: RunConfig;
  readonly all: Conversation[] = [];
  current: Conversation | undefined;
  #nextPort = FIRST_REMOTE_PORT;

  constructor(config: RunConfig) {
    this.#config = config;
  }

  created(fd: number, socket: SutSocket, _domain: string, type: string): void {
    const conversation = this.#add();
    conversation.fd = fd;
    conversation.socket = socket;
    if (type === "SOCK_DGRAM") {
      conversation.state = "datagram";
      conversation.remotePort = this.#config.connectPort;
    }
  }

  listening(fd: number): void {
    const conversation = this.#byFd(fd);
    if (conversation === undefined) return;
    conversation.state = "listening";
    conversation.localPort = conversation.socket?.localPort() ?? this.#config.bindPort;
  }

  connecting(fd: number): void {
    const conversation = this.#byFd(fd);
    if (conversation?.state !== "new") return;
    conversation.state = "connecting";
    conversation.remotePort = this.#config.connectPort;
  }

  accepted(fd: number, socket: SutSocket): void {
    const child = this.all.find(
      ({ state, fd: own }) =>
        own === undefined && (state === "synack-acked" || state === "synack-sent" || state === "packet-received"),
    );
    if (child === undefined) return;
    child.fd = fd;
    child.socket = socket;
  }

  /** The conversation of an inbound packet; a packet to a listener begins a new one. */
  inbound(): Conversation | undefined {
    const { current } = this;
    if (current?.state !== "listening") return current;
    const child = this.#add();
    child.state = "packet-received";
    child.localPort = current.localPort;
    child.remotePort = this.#nextPort++;
    return child;
  }

  /** What an inbound TCP line changes. */
  noteInbound(conversation: Conversation, segment: TcpSpec): void {
    const { flags, seq } = segment;
    if ((flags & SYN) !== 0 && seq !== undefined && conversation.remoteIsn === undefined) conversation.remoteIsn = seq;
    if (conversation.state === "synack-sent" && (flags & ACK) !== 0) conversation.state = "synack-acked";
  }

  /** What an outbound line, matched with `wire`, tells of this end's initial sequence number. */
  noteOutbound(conversation: Conversation, script: TcpSpec, wire: WireTcp): void {
    if ((wire.flags & SYN) === 0) return;
    const isSynAck = (wire.flags & ACK) !== 0;
    if (conversation.state === "connecting" && !isSynAck) {
      conversation.state = "syn-sent";
      conversation.localPort = wire.ports.source;
      conversation.setLocalIsn(script.seq ?? 0, wire.seq);
    } else if (conversation.state === "packet-received" && isSynAck) {
      conversation.state = "synack-sent";
      conversation.setLocalIsn(script.seq ?? 0, wire.seq);
    }
  }

  /** Whether a packet with these ports goes out for `conversation`. */
  isFrom(conversation: Conversation, source: number, destination: number): boolean {
    if (destination !== conversation.remotePort) return false;
    return conversation.localPort === 0 || conversation.state === "connecting" || source === conversation.localPort;
  }

  /** The address to which `connect(…, ...)` goes: the peer that has just spoken, for a simultaneous open, or the usual one. */
  connectPort(): number {
    const { current } = this;
    return current?.state === "packet-received" ? current.remotePort : this.#config.connectPort;
  }

  #byFd(fd: number): Conversation | undefined {
    return this.all.findLast((conversation) => conversation.fd === fd);
  }

  #add(): Conversation {
    const conversation = new Conversation();
    this.all.push(conversation);
    this.current = conversation;
    return conversation;
  }
}
