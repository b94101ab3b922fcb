import { invalidArgument, SevilleError } from "./errors.ts";
import { StrictDataView } from "./strict-view.ts";

/** Bytes for the tables and work areas of kernels, in front of everything else. */
const DEFAULT_SCRATCH_BYTES = 512 * 1024;
const WASM_PAGE = 65_536;

/**
 * A fixed stretch of memory in which packets live and in which kernels work in place.
 *
 * It never grows (growing would detach every view), so `u8` and `view` stay valid for its life, and an offset is all
 * that a packet or a kernel needs. Layout: [scratch of the kernels | everything else].
 */
export interface PacketMemory {
  /** The WebAssembly memory, or `undefined` on a host without it: then kernels run as plain TypeScript. */
  readonly wasm: WebAssembly.Memory | undefined;
  readonly buffer: ArrayBuffer;
  /** All of it, byte by byte. */
  readonly u8: Uint8Array;
  /** All of it, for header fields. */
  readonly view: DataView;
  /** Total size in bytes. */
  readonly byteLength: number;
  /** First offset past the scratch area: where the owner may lay out slots. */
  readonly base: number;
  /**
   * Sets `bytes` of scratch aside for good and returns their offset. For kernels' tables and work areas.
   * @throws SevilleError `ERR_SCRATCH_EXHAUSTED`
   */
  reserve(bytes: number, alignment?: number): number;
}

export interface PacketMemoryOptions {
  /** Bytes for slots, beside the scratch. Rounded up to 64 KiB. */
  readonly bytes: number;
  /** Bytes for kernels. */
  readonly scratchBytes?: number;
  /** `false`: a plain ArrayBuffer although WebAssembly is there. Tests use it: the result must be the same. */
  readonly wasm?: boolean;
  /** `view` is a {@link StrictDataView}: for worlds in which some processor traps on misaligned words. */
  readonly strictAlign?: boolean;
}

/** Makes a {@link PacketMemory}. Pages that are never touched cost address space only. */
export function createPacketMemory(options: PacketMemoryOptions): PacketMemory {
  if (!Number.isSafeInteger(options.bytes) || options.bytes < 0) {
    throw invalidArgument("bytes", "a whole number of bytes", options.bytes);
  }
  const base = options.scratchBytes ?? DEFAULT_SCRATCH_BYTES;
  const pages = Math.ceil((base + options.bytes) / WASM_PAGE);
  const wasm = options.wasm === false || !hasWebAssembly() ? undefined : allocate(pages);
  const buffer = wasm === undefined ? new ArrayBuffer(pages * WASM_PAGE) : wasm.buffer;
  // Offset 0 is kept free, so that 0 can mean "none".
  let next = 64;
  return {
    wasm,
    buffer,
    u8: new Uint8Array(buffer),
    view: options.strictAlign === true ? new StrictDataView(buffer) : new DataView(buffer),
    byteLength: buffer.byteLength,
    base,
    reserve(bytes, alignment = 16) {
      const at = Math.ceil(next / alignment) * alignment;
      if (at + bytes > base) {
        throw new SevilleError(
          "ERR_SCRATCH_EXHAUSTED",
          `${bytes} bytes of scratch were asked for and ${base - at} are left: make the memory with more scratchBytes`,
          "scratchBytes",
        );
      }
      next = at + bytes;
      return at;
    },
  };
}

function hasWebAssembly(): boolean {
  return typeof WebAssembly === "object" && typeof WebAssembly.Memory === "function";
}

function allocate(pages: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}
