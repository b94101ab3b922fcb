/**
 * Netlink and rtnetlink on the wire, usable alone: nothing here opens a socket.
 *
 * - {@link messagesIn} and {@link NetlinkWriter}: messages and attributes
 * - {@link decode} and {@link encode} with a {@link MessageFormat}: {@link linkMessage}, {@link addressMessage}, {@link routeMessage},
 *   {@link ruleMessage}, {@link neighbourMessage}, {@link nexthopMessage}, {@link statsMessage}
 * - {@link readAcknowledgement}: errors with their sentence, also those that a dump says at its end
 * - `@seville/netlink/node`: a client of the real kernel
 *
 * @packageDocumentation
 */
export * from "./wire/message.ts";
export * from "./wire/writer.ts";
export * from "./wire/format.ts";
export * from "./wire/error.ts";
export * from "./wire/struct.ts";
export * from "./wire/attribute.ts";
export * as types from "./wire/types.ts";
export * from "./route/types.ts";
export * from "./route/link.ts";
export * from "./route/link-info.ts";
export * from "./route/link-stats.ts";
export * from "./route/address.ts";
export * from "./route/route.ts";
export * from "./route/rule.ts";
export * from "./route/neighbour.ts";
export * from "./route/nexthop.ts";
export * from "./route/stats.ts";
