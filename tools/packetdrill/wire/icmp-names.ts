/** Types and codes of ICMP (RFC 792, 1812) and ICMPv6 (RFC 4443) by their names in scripts. */
interface IcmpType {
  readonly number: number;
  readonly codes?: Readonly<Record<string, number>>;
}

const ICMP4: Readonly<Record<string, IcmpType>> = {
  echo_reply: { number: 0 },
  unreachable: {
    number: 3,
    codes: {
      net_unreachable: 0,
      host_unreachable: 1,
      protocol_unreachable: 2,
      port_unreachable: 3,
      frag_needed: 4,
      source_route_failed: 5,
      net_unknown: 6,
      host_unknown: 7,
      source_host_isolated: 8,
      net_prohibited: 9,
      host_prohibited: 10,
      net_unreachable_for_tos: 11,
      host_unreachable_for_tos: 12,
      packet_filtered: 13,
      precedence_violation: 14,
      precedence_cutoff: 15,
    },
  },
  source_quench: { number: 4 },
  redirect: { number: 5 },
  echo_request: { number: 8 },
  time_exceeded: { number: 11, codes: { ttl_exceeded_in_transit: 0, frag_reass_exceeded: 1 } },
  parameter_problem: { number: 12 },
  timestamp_request: { number: 13 },
  timestamp_reply: { number: 14 },
  information_request: { number: 15 },
  information_reply: { number: 16 },
  address_mask_request: { number: 17 },
  address_mask_reply: { number: 18 },
};

const ICMP6: Readonly<Record<string, IcmpType>> = {
  unreachable: {
    number: 1,
    codes: { no_route: 0, admin_prohibited: 1, not_neighbour: 2, address_unreachable: 3, port_unreachable: 4 },
  },
  packet_too_big: { number: 2 },
  time_exceeded: { number: 3, codes: { exceeded_hop_limit: 0, exceeded_frag_time: 1 } },
  parameter_problem: { number: 4, codes: { header_field: 0, unknown_next_header: 1, unknown_option: 2 } },
  echo_request: { number: 128 },
  echo_reply: { number: 129 },
  router_advertisement: { number: 134 },
};

/** Type and code by name; `type_9` and `code_1` are numbers. `undefined`: there is no such name. */
export function icmpNumbers(family: 4 | 6, type: string, code: string | undefined): [number, number] | undefined {
  const table = family === 4 ? ICMP4 : ICMP6;
  const found = Object.hasOwn(table, type) ? table[type] : undefined;
  const number = found?.number ?? numbered("type", type);
  const codeNumber = code === undefined ? 0 : (found?.codes?.[code] ?? numbered("code", code));
  return number === undefined || codeNumber === undefined ? undefined : [number, codeNumber];
}

/** The names of a type and code, for messages. */
export function icmpNames(family: 4 | 6, type: number, code: number): [string, string] {
  const [name, entry] = Object.entries(family === 4 ? ICMP4 : ICMP6).find(([, { number }]) => number === type) ?? [];
  const codeName = Object.entries(entry?.codes ?? {}).find(([, number]) => number === code)?.[0];
  return [name ?? `type_${type}`, codeName ?? `code_${code}`];
}

function numbered(prefix: string, word: string): number | undefined {
  const digits = new RegExp(`^${prefix}_(\\d+)$`).exec(word)?.[1];
  return digits === undefined || Number(digits) > 255 ? undefined : Number(digits);
}
