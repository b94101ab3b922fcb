/**
 * A client of the real kernel's netlink, for Node on Linux. It calls the C library by way of koffi, an optional peer dependency.
 *
 * @packageDocumentation
 */
export * from "./client.ts";
export * from "./socket.ts";
