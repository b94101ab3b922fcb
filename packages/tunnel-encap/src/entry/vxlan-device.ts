export * from "../vxlan-device/index.ts";
