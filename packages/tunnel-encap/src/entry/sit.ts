export { sitEncapsulation } from "../protocol/ip.ts";
