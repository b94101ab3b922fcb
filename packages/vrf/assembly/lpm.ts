// Lookups of a whole batch in the tables that src/lpm/compact-build.ts and src/lpm/ipv4-dir-24-8.ts lay out; the readable
// twins stand in src/lpm. The addresses begin at offset 0, the answers at `answers`. Lookups do not depend on each other,
// so that the processor has many loads under way at once: that is where a batch gains.

/** Flags of an entry that leads on, and the word offset in it. */
const CHILD: u32 = 0x8000_0000;
const SKIP: u32 = 0x4000_0000;
const OFFSET: u32 = 0x3fff_ffff;

export function compact4(index: usize, count: usize, answers: usize): void {
  for (let i: usize = 0; i < count << 2; i += 4) {
    const address = load<u32>(i);
    let entry = load<u32>(index + ((<usize>(address >> 16)) << 2));
    if (entry >= CHILD) {
      entry = step((<usize>(entry & OFFSET)) << 2, (address >> 8) & 255);
      if (entry >= CHILD) entry = step((<usize>(entry & OFFSET)) << 2, address & 255);
    }
    store<u32>(answers + i, entry);
  }
}

/** The entry of the run in which slot `octet` of the step at `at` lies. */
@inline
function step(at: usize, octet: u32): u32 {
  const group: usize = octet >> 5;
  const upTo = load<u32>(at + (group << 2)) << (31 - (octet & 31));
  const rank: usize = <usize>load<u8>(at + group, 32) + <usize>popcnt<u32>(upTo);
  const run: u32 = load<u16>(at + (rank << 1), 38);
  return run < 0x8000 ? run : load<u32>(at - (<usize>(run - 0x7fff) << 2));
}

/** Addresses of four words, as numbers, in the order of the wire. */
export function compact6(index: usize, count: usize, answers: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const address: usize = i << 4;
    let entry = load<u32>(index + ((<usize>(load<u32>(address) >> 16)) << 2));
    let octet: usize = 2;
    while (entry >= CHILD) {
      const at: usize = (<usize>(entry & OFFSET)) << 2;
      // The 32 bits that begin at `octet`. Behind the last word stands the next address: a skip never reaches there.
      const word: usize = address + (octet & ~3);
      const pair = (<u64>load<u32>(word) << 32) | <u64>load<u32>(word, 4);
      const bits = <u32>(pair >> (32 - ((<u64>octet & 3) << 3)));
      if (entry & SKIP) {
        const octets = load<u32>(at, 4);
        const matches = load<u32>(at) == bits >> (32 - (octets << 3));
        entry = matches ? load<u32>(at, 12) : load<u32>(at, 8);
        octet += octets;
        continue;
      }
      entry = step(at, bits >> 24);
      octet++;
    }
    store<u32>(answers + (i << 2), entry);
  }
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
