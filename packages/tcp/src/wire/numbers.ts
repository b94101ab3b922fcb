/** Experimental option that carries an identifier of its own (RFC 4727, RFC 6994). */
export const OPTION_EXPERIMENTAL = 254;
/** Identifier of Fast Open in {@link OPTION_EXPERIMENTAL}, from before it had a number of its own (RFC 7413 §4.1.1). */
export const FAST_OPEN_EXPERIMENT = 0xf989;
/** AccECN, counters in the order ECT(0), CE, ECT(1) (RFC 9768 §3.2.3). */
export const OPTION_ACCECN0 = 172;
/** AccECN, counters in the order ECT(1), CE, ECT(0). */
export const OPTION_ACCECN1 = 174;

/** The IP-ECN field (RFC 3168 §5). */
export const NOT_ECT = 0;
export const ECT_1 = 1;
export const ECT_0 = 2;
export const CE = 3;
export type EcnField = 0 | 1 | 2 | 3;
