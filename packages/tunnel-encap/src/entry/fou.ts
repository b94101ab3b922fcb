/** Foo over UDP has no header: a UDP port stands for an IP protocol (net/ipv4/fou_core.c). */
export { pushSecondary, secondaryLength } from "../tunnel/secondary.ts";
