// Lookups of a whole batch in the tables that src/lpm/ipv4-compact.ts and src/lpm/ipv4-dir-24-8.ts lay out; the readable
// twins stand there. The addresses begin at offset 0, the answers at `answers`. Lookups do not depend on each other,
// so that the processor has many loads under way at once: that is where a batch gains.

/** Flag of an entry that leads on. */
const CHILD: u32 = 0x8000_0000;

export function compact(index: usize, count: usize, answers: usize): void {
  for (let i: usize = 0; i < count << 2; i += 4) {
    const address = load<u32>(i);
    let entry = load<u32>(index + ((<usize>(address >> 16)) << 2));
    if (entry >= CHILD) {
      entry = step(entry, (address >> 8) & 255);
      if (entry >= CHILD) entry = step(entry, address & 255);
    }
    store<u32>(answers + i, entry);
  }
}

@inline
function step(entry: u32, octet: u32): u32 {
  const at: usize = ((<usize>(entry & 0x7fff_ffff)) << 2) + ((<usize>(octet >> 5)) << 3);
  const upTo = load<u32>(at) << (31 - (octet & 31));
  return load<u32>((<usize>(load<u32>(at, 4) + popcnt<u32>(upTo))) << 2);
}

export function dir24(index: usize, count: usize, answers: usize): void {
  const blocks: usize = index + (1 << 25);
  for (let i: usize = 0; i < count << 2; i += 4) {
    const address = load<u32>(i);
    let entry: u32 = load<u16>(index + ((<usize>(address >> 8)) << 1));
    if (entry >= 0x8000) {
      entry = load<u16>(blocks + ((<usize>(entry & 0x7fff)) << 9) + ((<usize>(address & 255)) << 1));
    }
    store<u32>(answers + i, entry);
  }
}
