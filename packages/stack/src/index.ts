/**
 * Simulated hosts: interfaces, neighbours, IPv4, IPv6, ICMP, UDP, raw and ping sockets.
 *
 * @packageDocumentation
 */
export { closeHost, createHost } from "./host/create-host.ts";
export type { AlignmentTrap, AlignmentTraps } from "./host/alignment.ts";
export type { Arch, CoreSysctls, Host, HostOptions, Segmenter } from "./host/host.ts";
export type { DropCounts, HostDropListener } from "./host/drop-log.ts";
export { errnoError, errnoText, type Errno } from "./host/errno.ts";
export type { Mib } from "./host/mib.ts";
export { formatSnmp, formatSnmp6, formatNetstat } from "./host/proc-net.ts";
export type { StackEvent, StackListener } from "./host/notifier.ts";
export type { EtherTypeHandler, IcmpError, TransportProtocol } from "./host/protocols.ts";
export type { SysctlName, SysctlTable, SysctlValue } from "./host/sysctl-table.ts";
export type { Tap, TapDirection } from "./host/taps.ts";
export { addAddress4, removeAddress4 } from "./interface/addresses4.ts";
export { addAddress6, isLocalAddress6, removeAddress6 } from "./interface/addresses6.ts";
export * from "./interface/interface-address.ts";
export type { Inet6Device, InDevice } from "./interface/in-device.ts";
export type { InterfaceOptions, Interfaces } from "./interface/interfaces.ts";
export type { LinkStats } from "./interface/link-stats.ts";
export type { FilterMode, GroupState, MulticastGroups } from "./interface/multicast-groups.ts";
export * from "./interface/net-device.ts";
export type { NeighbourOutput } from "./interface/neighbour-output.ts";
export type { NetInterface, RxHandler } from "./interface/net-interface.ts";
export { createDummy } from "./device/dummy.ts";
export { createEthernet } from "./device/ethernet.ts";
export { createLoopback } from "./device/loopback.ts";
export { createVethPair } from "./device/veth.ts";
export * from "./netfilter/hooks.ts";
export { sdifOf, setSdif } from "./packet-cb.ts";
export * from "./route/flow.ts";
export { createHopSelector, type SelectorSurroundings } from "./route/hop-selection.ts";
export { chooseHop, multipathHash } from "./route/multipath.ts";
export * from "./route/route.ts";
export type { Fib, InsertMode, RouteLookup, RouteTable } from "./route/route-lookup.ts";
export { sendIcmp4 } from "./ipv4/icmp-send.ts";
export { sendIpv4, type SendOptions4 } from "./ipv4/output.ts";
export { pathMtu4, updatePathMtu4 } from "./ipv4/path-mtu.ts";
export { routeOutput4 } from "./ipv4/route-output.ts";
export { sendIcmp6 } from "./ipv6/icmpv6-send.ts";
export { sendIpv6, type SendOptions6 } from "./ipv6/output.ts";
export { pathMtu6, updatePathMtu6 } from "./ipv6/path-mtu.ts";
export { routeOutput6 } from "./ipv6/route-output.ts";
export type { LinkLayers } from "./neighbour/install.ts";
export type { QueuedError } from "./socket/errors.ts";
export { openPing, openRaw, openUdp } from "./socket/open.ts";
export type { GroupTarget } from "./socket/memberships.ts";
export {
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_INTERFACE,
  IP_PMTUDISC_OMIT,
  IP_PMTUDISC_PROBE,
  IP_PMTUDISC_WANT,
  type SocketOption,
  type SocketOptions,
} from "./socket/options.ts";
export type { SendControl } from "./socket/route-datagram.ts";
export type { SocketAddress, SocketAddressLike } from "./socket/socket-address.ts";
export type { Datagram, UdpSocket, UdpSocketOptions } from "./udp/udp-socket.ts";
export type { DatagramMeta } from "./udp/udp-meta.ts";
export type { RawDatagram, RawSocket, RawSocketOptions } from "./raw/raw-socket.ts";
export type { EchoReply, PingSocket } from "./ping/ping-socket.ts";
export { startPing, type Ping, type PingOptions, type PingReport } from "./app/ping.ts";
export {
  receiveFlow,
  startFlow,
  type FlowOptions,
  type FlowReceiver,
  type FlowReport,
  type FlowSender,
} from "./app/udp-flow.ts";
export { startUdpEcho, type UdpEcho } from "./app/udp-echo.ts";
