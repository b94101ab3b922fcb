import type { Packet } from "@seville/packet";

/** A stretch of payload in the memory. */
export interface Piece {
  readonly at: number;
  readonly length: number;
}

/** The payload of a packet: what is behind `headerLength` bytes, and the data of its fragments. Empty ones are left out. */
export function payloadPieces(packet: Packet, headerLength: number): Piece[] {
  const pieces: Piece[] = [];
  const add = (at: number, length: number): void => {
    if (length > 0) pieces.push({ at, length });
  };
  add(packet.data + headerLength, packet.tail - packet.data - headerLength);
  const walk = (fragments: readonly Packet[] | undefined): void => {
    for (const fragment of fragments ?? []) {
      add(fragment.data, fragment.length);
      walk(fragment.fragList);
    }
  };
  walk(packet.fragList);
  return pieces;
}

/** Reads along the pieces, as many bytes at a time as asked for. */
export class PieceReader {
  readonly #pieces: readonly Piece[];
  #index = 0;
  #used = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** Address of the next `length` bytes, if they lie in one piece: then they have been read. */
  takeWhole(length: number): number | undefined {
    const piece = this.#pieces[this.#index];
    if (piece === undefined || piece.length - this.#used < length) return undefined;
    const at = piece.at + this.#used;
    this.#advance(piece, length);
    return at;
  }

  /** Reads the next `length` bytes and tells of each piece. */
  take(length: number, visit: (at: number, length: number) => void): void {
    for (let left = length; left > 0;) {
      const piece = this.#pieces[this.#index];
      if (piece === undefined) return;
      const bytes = Math.min(left, piece.length - this.#used);
      visit(piece.at + this.#used, bytes);
      this.#advance(piece, bytes);
      left -= bytes;
    }
  }

  #advance(piece: Piece, bytes: number): void {
    this.#used += bytes;
    if (this.#used < piece.length) return;
    this.#index++;
    this.#used = 0;
  }
}
