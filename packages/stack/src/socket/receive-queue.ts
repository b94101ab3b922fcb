import type { Packet } from "@seville/packet";

/** The packets that wait for a socket's user, and the memory they hold (`sk_receive_queue`, `sk_rmem_alloc`). */
export class ReceiveQueue {
  #packets: Packet[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#packets.length - this.#head;
  }

  /** Bytes of packet memory held: whole slots, as the kernel counts `truesize`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes `packet`, unless what is here exceeds `limit` already: then answers `false` and the caller still has it. */
  push(packet: Packet, limit: number): boolean {
    const size = packet.end - packet.head;
    if (this.#bytes > 0 && this.#bytes + size > limit) return false;
    this.#bytes += size;
    this.#packets.push(packet);
    return true;
  }

  shift(): Packet | undefined {
    if (this.length === 0) return undefined;
    const packet = this.#packets[this.#head++] as Packet;
    this.#bytes -= packet.end - packet.head;
    if (this.#head > 64 && this.#head * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#head);
      this.#head = 0;
    }
    return packet;
  }

  /** Gives every packet back. */
  clear(): void {
    for (let packet = this.shift(); packet !== undefined; packet = this.shift()) packet.release();
    this.#packets = [];
    this.#head = 0;
  }
}
