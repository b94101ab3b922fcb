import { CRC32C_POLYNOMIAL } from "./typescript/crc32c.ts";

/** x^0 as a reflected 32-bit polynomial. */
const ONE = 0x8000_0000 | 0;

/** Entry n: x^(8·2^n) mod P, the operator that appends 2^n zero bytes. Enough for any safe integer of bytes. */
let operators: Int32Array | undefined;

/**
 * The CRC32c of A followed by B, from the CRC of each and the length of B in bytes.
 * Costs a multiplication of polynomials per bit of the length, not per byte of data.
 */
export function crc32cCombine(crcA: number, crcB: number, lengthB: number): number {
  return (multiply(crc32cZeros(lengthB), crcA | 0) ^ crcB) >>> 0;
}

/** The operator x^(8·`count`) mod P: multiplied with a CRC it appends `count` zero bytes. */
export function crc32cZeros(count: number): number {
  const powers = (operators ??= makeOperators());
  let product = ONE;
  for (let n = 0, left = count; left > 0; n++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = multiply(powers[n] as number, product);
  }
  return product >>> 0;
}

function makeOperators(): Int32Array {
  const made = new Int32Array(53);
  // x^8 in reflected order: bit 31 is x^0.
  made[0] = 1 << 23;
  for (let n = 1; n < made.length; n++) made[n] = multiply(made[n - 1] as number, made[n - 1] as number);
  return made;
}

/** a·b mod P over GF(2), operands reflected. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) === 1 ? (b >>> 1) ^ CRC32C_POLYNOMIAL : b >>> 1;
  }
  return product;
}
