import { getSystemErrorName } from "node:util";
import { SevilleError } from "@seville/core";
import { readAcknowledgement, type ExtendedAck } from "../wire/error.ts";
import { decode, encode, type Decoded, type MessageFormat } from "../wire/format.ts";
import {
  messagesIn,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_OVERRUN,
  type NetlinkMessage,
} from "../wire/message.ts";
import { NetlinkWriter } from "../wire/writer.ts";
import { NetlinkSocket, type NetlinkSocketOptions } from "./socket.ts";

/** What the kernel refused, in its own words where it had any. */
export class NetlinkError extends SevilleError {
  override readonly name: string = "NetlinkError";
  readonly extended: ExtendedAck;

  constructor(errno: number, extended: ExtendedAck) {
    const code = getSystemErrorName(errno);
    super(code, extended.message === undefined ? code : `${extended.message} (${code})`);
    this.extended = extended;
  }
}

/** One entry of a dump, or one notification. */
export interface Received<Header, Attributes> extends Decoded<Header, Attributes> {
  /** RTM_NEW… or RTM_DEL… */
  readonly type: number;
}

interface Request<Header, Attributes> {
  readonly header?: Partial<Header>;
  readonly attributes?: Partial<Attributes>;
  /** NLM_F_… beside those that every request has. */
  readonly flags?: number;
}

/**
 * A client of the kernel's rtnetlink (or generic netlink).
 *
 * @example
 * const client = await NetlinkClient.open();
 * for (const { header, attributes } of client.dump(RTM_GETLINK, linkMessage)) console.log(header.index, attributes.ifname);
 * client.close();
 */
export class NetlinkClient {
  readonly #socket: NetlinkSocket;
  #sequence = 1;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** @throws SevilleError `ERR_KOFFI_MISSING`, or the errno of the call that failed */
  static async open(options: NetlinkSocketOptions = {}): Promise<NetlinkClient> {
    return new NetlinkClient(await NetlinkSocket.open(options));
  }

  close(): void {
    this.#socket.close();
  }

  /**
   * Asks for something to be done, and waits for the kernel's word that it is.
   * @throws NetlinkError what the kernel says against it
   */
  request<Header extends object, Attributes extends object>(
    type: number,
    format: MessageFormat<Header, Attributes>,
    request: Request<Header, Attributes>,
  ): void {
    const sequence = this.#send(type, format, request, NLM_F_ACK);
    for (const message of this.#answers(sequence)) {
      if (message.type === NLMSG_ERROR) return;
    }
  }

  /**
   * Asks for one object.
   * @throws NetlinkError there is none, or the request makes no sense
   */
  get<Header extends object, Attributes extends object>(
    type: number,
    format: MessageFormat<Header, Attributes>,
    request: Request<Header, Attributes>,
    answer: MessageFormat<Header, object> = format,
  ): Received<Header, Attributes> {
    const sequence = this.#send(type, format, request, 0);
    for (const message of this.#answers(sequence)) {
      return { type: message.type, ...(decode(answer, message) as Decoded<Header, Attributes>) };
    }
    throw new SevilleError("EPROTO", "the kernel ended its answer without an object");
  }

  /**
   * All objects of a kind, one by one as the kernel hands them out.
   *
   * @throws NetlinkError also when the kernel says the error at the end of the dump
   * @throws SevilleError `EINTR`: the table changed while it was dumped, so entries may be missing; ask again
   */
  *dump<Header extends object, Attributes extends object, Answer extends object = Attributes>(
    type: number,
    format: MessageFormat<Header, Attributes>,
    request: Request<Header, Attributes> = {},
    answer: MessageFormat<Header, Answer> = format as never,
  ): Generator<Received<Header, Answer>> {
    const sequence = this.#send(type, format, request, NLM_F_DUMP);
    let isInterrupted = false;
    for (const message of this.#answers(sequence)) {
      isInterrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
      if (message.type === NLMSG_DONE) break;
      yield { type: message.type, ...decode(answer, message) };
    }
    if (isInterrupted) throw new SevilleError("EINTR", "the table changed while it was dumped: ask again");
  }

  /**
   * What the kernel announces to the groups that were joined, until the client is closed. `formatOf` says how a message type is read; types
   * without a format are passed over.
   *
   * @throws SevilleError `ENOBUFS`: announcements were lost, because nobody read for too long; go on after a dump
   */
  async *monitor<Header extends object, Attributes extends object>(
    groups: readonly number[],
    formatOf: (type: number) => MessageFormat<Header, Attributes> | undefined,
  ): AsyncGenerator<Received<Header, Attributes>> {
    for (const group of groups) this.#socket.join(group);
    while (await this.#socket.wait()) {
      for (let bytes = this.#socket.receive(); bytes !== undefined; bytes = this.#socket.receive()) {
        // The buffer is read into again before the reader comes back.
        for (const message of messagesIn(bytes.slice())) {
          const format = formatOf(message.type);
          if (format !== undefined) yield { type: message.type, ...decode(format, message) };
        }
      }
    }
  }

  #send<Header extends object, Attributes extends object>(
    type: number,
    format: MessageFormat<Header, Attributes>,
    request: Request<Header, Attributes>,
    flags: number,
  ): number {
    const sequence = this.#sequence++;
    const out = new NetlinkWriter();
    out.message(type, NLM_F_REQUEST | flags | (request.flags ?? 0), sequence, 0, () => {
      encode(out, format, request);
    });
    this.#socket.send(out.bytes());
    return sequence;
  }

  /** The messages with our sequence number, the last included; an error among them is thrown. */
  *#answers(sequence: number): Generator<NetlinkMessage> {
    for (;;) {
      const bytes = this.#socket.receive();
      // The kernel has answered when the write returns, and goes on with a dump inside the read.
      if (bytes === undefined) throw new SevilleError("EPROTO", "the kernel left a request without an answer");
      for (const message of messagesIn(bytes)) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_OVERRUN) throw new SevilleError("ENOBUFS", "the kernel lost part of its answer");
        const acknowledgement = readAcknowledgement(message);
        if (acknowledgement !== undefined && acknowledgement.error < 0) {
          throw new NetlinkError(acknowledgement.error, acknowledgement.extended);
        }
        yield message;
        if (acknowledgement !== undefined || (message.flags & NLM_F_MULTI) === 0) return;
      }
    }
  }
}
