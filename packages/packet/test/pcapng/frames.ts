/** Who has 192.0.2.2? Tell 192.0.2.1 — with the padding to 60 bytes that Ethernet wants. */
export const ARP_FRAME: Uint8Array = Uint8Array.from(
  [
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x08, 0x06],
    [0, 1, 0x08, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2],
    new Array<number>(18).fill(0),
  ].flat(),
);
