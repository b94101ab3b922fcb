export { createHost } from "./host/create-host.ts";
export type { Arch, Host, HostOptions, Segmenter } from "./host/host.ts";
export type { NetInterface, RxHandler } from "./interface/net-interface.ts";
