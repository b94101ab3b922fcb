/**
 * Numbers of the two capture formats.
 *
 * pcapng: draft-ietf-opsawg-pcapng; pcap: draft-ietf-opsawg-pcap. Every pcapng block has this frame, in the byte order
 * that its section announces:
 *
 *      0                   1                   2                   3
 *     +---------------------------------------------------------------+
 *     |                          Block Type                           |
 *     |                      Block Total Length                       |  whole block, a multiple of 4
 *     |                     Block Body (padded to 4)                  |
 *     |                      Block Total Length                       |  again, to walk backwards
 *     +---------------------------------------------------------------+
 */

export const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION_BLOCK = 1;
/** Obsolete, still found in old files. */
export const PACKET_BLOCK = 2;
export const SIMPLE_PACKET_BLOCK = 3;
export const NAME_RESOLUTION_BLOCK = 4;
export const INTERFACE_STATISTICS_BLOCK = 5;
export const ENHANCED_PACKET_BLOCK = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OPT_ENDOFOPT = 0;
export const OPT_COMMENT = 1;
export const SHB_HARDWARE = 2;
export const SHB_OS = 3;
export const SHB_USERAPPL = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_MACADDR = 6;
export const IF_SPEED = 8;
export const IF_TSRESOL = 9;
export const IF_TSOFFSET = 14;
export const EPB_FLAGS = 2;
export const EPB_DROPCOUNT = 4;
export const EPB_PACKETID = 5;
export const ISB_STARTTIME = 2;
export const ISB_ENDTIME = 3;
export const ISB_IFRECV = 4;
export const ISB_IFDROP = 5;

export const NRB_RECORD_END = 0;
export const NRB_RECORD_IPV4 = 1;
export const NRB_RECORD_IPV6 = 2;

/** epb_flags, bits 0 and 1. */
export const EPB_DIRECTION_INBOUND = 1;
export const EPB_DIRECTION_OUTBOUND = 2;
/** epb_flags, bit 24: the frame's check sequence was wrong. */
export const EPB_ERROR_CRC: number = 1 << 24;

/** LINKTYPE_ values (tcpdump.org's registry) that this project meets. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_IEEE802_11 = 105;
export const LINKTYPE_IEEE802_11_RADIOTAP = 127;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
export const LINKTYPE_LINUX_SLL2 = 276;

/** Magic numbers of classic pcap, as its own byte order reads them. */
export const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetsov's variant: each record header has eight bytes more. */
export const PCAP_MAGIC_KUZNETSOV = 0xa1b2cd34;

/** `length` rounded up to a multiple of four. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
