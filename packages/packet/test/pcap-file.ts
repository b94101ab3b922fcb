/** A classic pcap file (microseconds, Ethernet) of `frames`, one a millisecond: the format's 24 and 16 byte headers. */
export function pcapFile(frames: readonly Uint8Array[], linkType = 1): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + 16 + frame.length, 24));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 262_144);
  view.setUint32(20, linkType);
  let at = 24;
  for (const [i, frame] of frames.entries()) {
    view.setUint32(at, Math.floor(i / 1000));
    view.setUint32(at + 4, (i % 1000) * 1000);
    view.setUint32(at + 8, frame.length);
    view.setUint32(at + 12, frame.length);
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return bytes;
}

/** The frames of a classic pcap file in little-endian order, as tcpdump writes it on most machines. */
export function pcapFrames(file: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== 0xa1b2c3d4) throw new Error("not a little-endian pcap file");
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 24; at < file.length;) {
    const length = view.getUint32(at + 8, true);
    frames.push(Uint8Array.from(file.subarray(at + 16, at + 16 + length)));
    at += 16 + length;
  }
  return frames;
}
