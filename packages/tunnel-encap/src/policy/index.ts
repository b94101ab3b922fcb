export { decapsulateEcn, encapsulateEcn, type EcnDecision, type EcnMode } from "./ecn.ts";
export { headersHash, innerHash } from "./inner.ts";
export type { OuterPolicy } from "./outer.ts";
export { RECURSION_LIMIT, RecursionGuard } from "./recursion.ts";
export { DYNAMIC_PORTS, LINUX_PORTS, portOfHash, sourcePort, type PortEntropy, type PortRange } from "./source-port.ts";
export { checkMtu, tunnelMtu, type MtuVerdict } from "./mtu.ts";
export { composeTooBig, type TooBigOptions } from "./too-big.ts";
