/** Is told of accesses that lie askew, before they are made. */
export interface AlignmentWatch {
  /** Somebody reads or writes a word of `bytes` bytes at `offset`, which is no multiple of it. */
  misaligned(offset: number, bytes: 2 | 4 | 8): void;
}

/**
 * The memory as a processor sees it that loads and stores words at multiples of their size only. While somebody watches, each
 * other access is told to them and then made all the same, as a kernel's trap handler emulates it.
 *
 * Nobody watches: it is a plain `DataView`, but slower. Only worlds with such a processor have one.
 */
export class StrictDataView extends DataView<ArrayBuffer> {
  /** On behalf of which processor code runs at the moment; `undefined`: of one that does not mind. */
  watch: AlignmentWatch | undefined = undefined;

  #check(offset: number, bytes: 2 | 4 | 8): void {
    if ((offset & (bytes - 1)) !== 0) this.watch?.misaligned(offset, bytes);
  }

  override getUint16(offset: number, littleEndian?: boolean): number {
    this.#check(offset, 2);
    return super.getUint16(offset, littleEndian);
  }

  override getInt16(offset: number, littleEndian?: boolean): number {
    this.#check(offset, 2);
    return super.getInt16(offset, littleEndian);
  }

  override getUint32(offset: number, littleEndian?: boolean): number {
    this.#check(offset, 4);
    return super.getUint32(offset, littleEndian);
  }

  override getInt32(offset: number, littleEndian?: boolean): number {
    this.#check(offset, 4);
    return super.getInt32(offset, littleEndian);
  }

  override getBigUint64(offset: number, littleEndian?: boolean): bigint {
    this.#check(offset, 8);
    return super.getBigUint64(offset, littleEndian);
  }

  override getBigInt64(offset: number, littleEndian?: boolean): bigint {
    this.#check(offset, 8);
    return super.getBigInt64(offset, littleEndian);
  }

  override setUint16(offset: number, value: number, littleEndian?: boolean): void {
    this.#check(offset, 2);
    super.setUint16(offset, value, littleEndian);
  }

  override setInt16(offset: number, value: number, littleEndian?: boolean): void {
    this.#check(offset, 2);
    super.setInt16(offset, value, littleEndian);
  }

  override setUint32(offset: number, value: number, littleEndian?: boolean): void {
    this.#check(offset, 4);
    super.setUint32(offset, value, littleEndian);
  }

  override setInt32(offset: number, value: number, littleEndian?: boolean): void {
    this.#check(offset, 4);
    super.setInt32(offset, value, littleEndian);
  }

  override setBigUint64(offset: number, value: bigint, littleEndian?: boolean): void {
    this.#check(offset, 8);
    super.setBigUint64(offset, value, littleEndian);
  }

  override setBigInt64(offset: number, value: bigint, littleEndian?: boolean): void {
    this.#check(offset, 8);
    super.setBigInt64(offset, value, littleEndian);
  }
}
