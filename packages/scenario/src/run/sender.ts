import { SevilleError } from "@seville/core";
import { formatIp, type IpAddress } from "@seville/packet";
import { openUdp, type Host, type UdpSocket } from "@seville/stack";
import type { World } from "./world.ts";

/** The sending end of a UDP generator: a connected socket, made when it can be, and what went wrong. */
export class UdpSender {
  readonly #world: World;
  readonly #name: string;
  readonly #host: Host;
  readonly #to: IpAddress;
  readonly #port: number;
  #socket: UdpSocket | undefined;
  readonly #failures = new Map<string, number>();

  constructor(world: World, name: string, host: Host, to: IpAddress, port: number) {
    this.#world = world;
    this.#name = name;
    this.#host = host;
    this.#to = to;
    this.#port = port;
  }

  /** `undefined` while there is no way to the receiver. */
  get socket(): UdpSocket | undefined {
    return this.#socket;
  }

  /** Sends `payload`. `false`: the socket refused, as `send` would with an errno; it is counted and noted at the end. */
  send(payload: Uint8Array): boolean {
    try {
      this.#socket ??= this.#connect();
      this.#socket.send(payload);
      return true;
    } catch (error) {
      // What a program is told by an errno, it lives with. Anything else is a bug and goes on up.
      if (!(error instanceof SevilleError) || error.code.startsWith("ERR_")) throw error;
      this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
      return false;
    }
  }

  /** `10.0.1.2:49152 > 10.0.2.2:5001`. */
  get tuple(): string {
    const local = this.#socket?.address();
    return `${local === undefined ? "?" : endpoint(local.address, local.port)} > ${endpoint(this.#to, this.#port)}`;
  }

  finish(): void {
    for (const [code, count] of this.#failures) {
      this.#world.warn(
        `traffic ${this.#name}: sending failed with ${code}, ${count === 1 ? "once" : `${count} times`}`,
      );
    }
    this.#socket?.close();
  }

  #connect(): UdpSocket {
    const socket = openUdp(this.#host, { family: typeof this.#to === "number" ? 4 : 6 });
    try {
      socket.connect({ address: this.#to, port: this.#port });
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }
}

/** The host of the scenario that has an address; `undefined`: none. */
export function ownerOf(world: World, address: IpAddress): Host | undefined {
  for (const host of world.hosts.values()) {
    for (const iface of host.interfaces) {
      const own = typeof address === "number" ? iface.v4.addresses : iface.v6.addresses;
      if (own.some((each) => each.address === address)) return host;
    }
  }
  return undefined;
}

function endpoint(address: IpAddress, port: number): string {
  return typeof address === "number" ? `${formatIp(address)}:${port}` : `[${formatIp(address)}]:${port}`;
}
