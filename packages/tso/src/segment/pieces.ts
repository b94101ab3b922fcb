import type { Packet } from "@seville/packet";

/** A stretch of payload in the memory. */
export interface Piece {
  readonly at: number;
  readonly length: number;
}

/** The payload of a packet: what is behind `headerLength` bytes, and the data of its fragments. Empty ones are left out. */
export function payloadPieces(packet: Packet, headerLength: number): Piece[] {
  const at = packet.data + headerLength;
  const length = packet.tail - at;
  const pieces: Piece[] = length > 0 ? [{ at, length }] : [];
  if (packet.fragList !== undefined) addFragments(pieces, packet.fragList);
  return pieces;
}

function addFragments(pieces: Piece[], fragments: readonly Packet[]): void {
  for (const { data, length, fragList } of fragments) {
    if (length > 0) pieces.push({ at: data, length });
    if (fragList !== undefined) addFragments(pieces, fragList);
  }
}

/** Reads along the pieces, as many bytes at a time as asked for. */
export class PieceReader {
  readonly #pieces: readonly Piece[];
  #index = 0;
  #used = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
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
