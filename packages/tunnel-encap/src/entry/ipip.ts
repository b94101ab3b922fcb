export { ipipEncapsulation } from "../protocol/ip.ts";
