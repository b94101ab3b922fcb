export { BUILT_IN, dissect, type DissectOptions } from "./dissect.ts";
export { Dissection, type DissectionLimits, type FieldStyle, type PseudoHeader } from "./dissection.ts";
export { formatField, formatTree } from "./format.ts";
export { summarize } from "./summarize.ts";
export {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_RAW,
  mergeTables,
  type Dissector,
  type DissectorTable,
  type DissectorTables,
} from "./tables.ts";
export { fieldValues, findField, MALFORMED, walk, type FieldNode, type FieldValue } from "./tree.ts";
