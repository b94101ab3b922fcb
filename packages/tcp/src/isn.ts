import { sipHash24Into, type Nanos, type SecretRandom } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import { drawKey, putAddress } from "./address-bytes.ts";
import type { FourTuple, IsnGenerator } from "./parts.ts";

/** The clock of initial sequence numbers ticks once in 64 ns, and goes round in 274 s (`seq_scale`, net/core/secure_seq.c). */
const TICK_NS = 64;

/**
 * Initial sequence numbers as RFC 6528 §3 wants them, a clock plus a keyed hash of the connection; and the offset that
 * hides the clock of timestamps from everyone but one peer (RFC 7323 §5.4, `secure_tcp_ts_off`).
 */
export function createIsnGenerator(secretRandom: SecretRandom): IsnGenerator {
  const sequenceKey = drawKey(secretRandom);
  const timestampKey = drawKey(secretRandom);
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  const hash = new Uint32Array(2);

  function addresses(local: IpAddress, remote: IpAddress): number {
    return putAddress(view, putAddress(view, 0, local), remote);
  }

  return {
    sequence(tuple: FourTuple, now: Nanos): number {
      const ports = addresses(tuple.localAddress, tuple.remoteAddress);
      view.setUint16(ports, tuple.localPort);
      view.setUint16(ports + 2, tuple.remotePort);
      sipHash24Into(hash, sequenceKey, bytes, 0, ports + 4);
      return ((hash[0] as number) + (Math.floor(now / TICK_NS) % 0x1_0000_0000)) | 0;
    },
    timestampOffset(local: IpAddress, remote: IpAddress): number {
      sipHash24Into(hash, timestampKey, bytes, 0, addresses(local, remote));
      return (hash[0] as number) | 0;
    },
  };
}
