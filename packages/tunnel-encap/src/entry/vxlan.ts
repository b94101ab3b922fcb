export * from "../header/vxlan.ts";
export { vxlanEncapsulation } from "../protocol/vxlan.ts";
