import type { PacketOwner } from "@seville/packet";
import type { TcpConnection, TcpOutput } from "@seville/tcp";

/** Tells the engine which of its segments have left the host (`tcp_wfree`): one owner of packets for each connection. */
export class LeavingSegments {
  readonly #owners = new WeakMap<TcpConnection, PacketOwner>();
  readonly #left: (connection: TcpConnection, charge: number) => void;

  /** @param left must not send: it is called in the middle of a device's work */
  constructor(left: (connection: TcpConnection, charge: number) => void) {
    this.#left = left;
  }

  /** Has the packet of `out` tell when it leaves. */
  watch(out: TcpOutput): void {
    const { charge, connection, packet } = out;
    if (charge === 0 || connection === undefined) return;
    packet.owner = this.#ownerOf(connection);
    packet.charge = charge;
  }

  #ownerOf(connection: TcpConnection): PacketOwner {
    const known = this.#owners.get(connection);
    if (known !== undefined) return known;
    const owner: PacketOwner = {
      packetLeft: (charge) => {
        this.#left(connection, charge);
      },
    };
    this.#owners.set(connection, owner);
    return owner;
  }
}
