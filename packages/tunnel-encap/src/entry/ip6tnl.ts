export * as encapsulationLimit from "../header/encapsulation-limit.ts";
export { ip6tnlEncapsulation } from "../protocol/ip.ts";
