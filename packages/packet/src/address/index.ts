export * from "./derive.ts";
export * from "./ip.ts";
export * from "./ipv4.ts";
export * from "./ipv6-text.ts";
export * from "./ipv6.ts";
export * from "./mac.ts";
export * from "./prefix.ts";
export * from "./scope.ts";
