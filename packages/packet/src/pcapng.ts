/**
 * Capture files: writing pcapng, reading pcapng and classic pcap.
 *
 * ```ts
 * const file = pcapngBytes((pcapng) => {
 *   const eth0 = pcapng.addInterface({ name: "eth0" });
 *   pcapng.packet({ interface: eth0, time: 0, data: frame, dropReason: "LINK_LOSS" });
 * });
 * for (const event of readCapture(file)) if (event.type === "packet") console.log(event.comments);
 * ```
 *
 * @module
 */
export { PcapngWriter, pcapngBytes } from "./pcapng/writer.ts";
export type { ByteSink, CaptureInterfaceOptions, CapturePacketOptions, PcapngWriterOptions } from "./pcapng/writer.ts";
export { CaptureReader, readCapture, readCaptureStream } from "./pcapng/reader.ts";
export type { CaptureReaderOptions } from "./pcapng/reader.ts";
export { nanosSince } from "./pcapng/events.ts";
export type {
  CapturedPacket,
  CaptureError,
  CaptureEvent,
  CaptureInterface,
  CaptureNames,
  CaptureSection,
  CaptureStatistics,
  CaptureTime,
} from "./pcapng/events.ts";
export {
  LINKTYPE_ETHERNET,
  LINKTYPE_IEEE802_11,
  LINKTYPE_IEEE802_11_RADIOTAP,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
} from "./pcapng/format.ts";
