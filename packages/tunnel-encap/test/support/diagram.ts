/*
 * Headers as the RFCs draw them: fields one after the other, each so many bits wide, the highest first. Written for tests alone, bit by
 * bit and slowly, so that it shares nothing with the codecs that it is to judge.
 */

/** A field's name and width in bits. */
export type Field = readonly [name: string, bits: number];
/** Values by name. What is wider than 32 bits does not occur. */
export type Values = Readonly<Record<string, number>>;

/** `"C:1 R:1 reserved:14"` as fields. */
export function diagram(text: string): readonly Field[] {
  return text.split(/\s+/).map((word): Field => {
    const [name = "", bits] = word.split(":");
    return [name, Number(bits)];
  });
}

export function bitsOf(fields: readonly Field[]): number {
  return fields.reduce((sum, [, bits]) => sum + bits, 0);
}

/** The header's bytes; a field that is not given is 0. */
export function draw(fields: readonly Field[], values: Values): Uint8Array<ArrayBuffer> {
  const text = fields.map(([name, bits]) => (values[name] ?? 0).toString(2).padStart(bits, "0").slice(-bits)).join("");
  const bytes = new Uint8Array(text.length / 8);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(8 * i, 8 * i + 8), 2);
  return bytes;
}

/** The fields of the header at the beginning of `bytes`. */
export function read(fields: readonly Field[], bytes: Uint8Array): Values {
  const text = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const values: Record<string, number> = {};
  let at = 0;
  for (const [name, bits] of fields) {
    values[name] = Number.parseInt(text.slice(at, at + bits), 2);
    at += bits;
  }
  return values;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

// RFC 2784 §2.1 with RFC 2890 §2.
export const GRE = diagram("C:1 R:1 K:1 S:1 reserved0:9 ver:3 protocol:16");
export const GRE_CHECKSUM = diagram("checksum:16 reserved1:16");
export const GRE_WORD = diagram("word:32");
// RFC 7637 §3.2: the key of GRE.
export const NVGRE_KEY = diagram("vsid:24 flow:8");
// RFC 7348 §5, with draft-smith-vxlan-group-policy-05 §2.1.
export const VXLAN = diagram("G:1 R1:3 I:1 R2:3 R3:1 D:1 R4:2 A:1 R5:3 policy:16 vni:24 reserved:8");
// draft-ietf-nvo3-vxlan-gpe-13 §3.
export const VXLAN_GPE = diagram("R:2 ver:2 I:1 P:1 B:1 O:1 reserved:16 next:8 vni:24 reserved2:8");
// RFC 8926 §3.4 and §3.5.
export const GENEVE = diagram("ver:2 length:6 O:1 C:1 reserved:6 protocol:16 vni:24 reserved2:8");
export const GENEVE_OPTION = diagram("class:16 C:1 type:7 R:3 length:5");
// draft-ietf-intarea-gue-09 §3.2.
export const GUE = diagram("variant:2 C:1 hlen:5 proto:8 flags:15 P:1");
// draft-herbert-remotecsumoffload-02 §4.
export const GUE_REMCSUM = diagram("remcsum:1 private:31 start:16 offset:16");
// draft-foschiano-erspan-03 §4.2 and §4.3.
export const ERSPAN_II = diagram("ver:4 vlan:12 cos:3 en:2 t:1 session:10 reserved:12 index:20");
export const ERSPAN_III = diagram(
  "ver:4 vlan:12 cos:3 bso:2 t:1 session:10 timestamp:32 sgt:16 p:1 ft:5 hw:6 d:1 gra:2 o:1",
);
// RFC 2473 §4.1.1, RFC 8200 §4.6 and §4.2.
export const ENCAPSULATION_LIMIT = diagram("next:8 length:8 type:8 bytes:8 limit:8 padN:8 padBytes:8 zero:8");
