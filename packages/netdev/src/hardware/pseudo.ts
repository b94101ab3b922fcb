import { add, fold, pseudoHeader4, type ChecksumKernels, type PartialSum } from "@seville/checksum";

/**
 * The pseudo-header's sum of `length` bytes of `protocol` behind the IP header at `network` (RFC 9293 §3.1, RFC 8200
 * §8.1). Hardware reads it from the header; a routing header is not its business.
 */
export function pseudoSum(kernels: ChecksumKernels, network: number, protocol: number, length: number): PartialSum {
  const { view } = kernels.memory;
  if (view.getUint8(network) >>> 4 === 4) {
    return pseudoHeader4(view.getUint32(network + 12), view.getUint32(network + 16), protocol, length);
  }
  return fold(add(kernels.sum(network + 8, 32), add(length, protocol)));
}
