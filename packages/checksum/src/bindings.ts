import type { PacketMemory } from "@seville/core";

/** Kernels by the memory to which they are bound, made when first asked for. */
export class Bindings<Kernels extends object> {
  readonly #make: (memory: PacketMemory) => Kernels;
  readonly #byMemory = new WeakMap<PacketMemory, Kernels>();
  readonly #byBuffer = new WeakMap<ArrayBufferLike, Kernels>();

  constructor(make: (memory: PacketMemory) => Kernels) {
    this.#make = make;
  }

  bind(memory: PacketMemory): Kernels {
    const known = this.#byMemory.get(memory);
    if (known !== undefined) return known;
    const kernels = this.#make(memory);
    this.#byMemory.set(memory, kernels);
    this.#byBuffer.set(memory.buffer, kernels);
    return kernels;
  }

  /** Those bound to the memory whose buffer this is. */
  find(buffer: ArrayBufferLike): Kernels | undefined {
    return this.#byBuffer.get(buffer);
  }
}
