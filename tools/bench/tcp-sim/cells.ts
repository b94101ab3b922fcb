/*
 * What the kernel's TCP did over an emulated path (Linux 6.18 at both ends, two network namespaces, a user-space emulator, iperf3; rates and buffers
 * count bytes of IP packets): the cells of the tables, and the figures to compare with.
 */

export interface Metrics {
  /** Payload that arrived, Mbit/s. */
  readonly goodput: number;
  /** Smoothed RTT, ms: mean over the run, and greatest. */
  readonly meanRtt: number;
  readonly maxRtt: number;
  /** Share of the packets sent that were dropped, percent. */
  readonly dropped: number;
}

export interface Cell {
  readonly name: string;
  readonly congestion: string;
  readonly seconds: number;
  /** Bits per second, ns both ways, bytes. */
  readonly rate: number;
  readonly rtt: number;
  readonly buffer: number;
  readonly loss?: number;
  readonly policer?: { readonly rate: number; readonly burst: number };
  /** Greatest send buffer, bytes; default: one that is not in the way. */
  readonly wmem?: number;
  /** What the kernel had; several figures are its own spread. */
  readonly reference: { readonly [M in keyof Metrics]?: readonly number[] };
  /** Shown only: why. */
  readonly unjudged?: string;
}

const MS = 1_000_000;
const LOSSES: readonly { loss: number; cubic?: readonly number[]; bbr?: readonly number[]; unjudged?: string }[] = [
  { loss: 0, cubic: [95.1], bbr: [92.3] },
  { loss: 0.00001, cubic: [91.2], bbr: [92.4] },
  { loss: 0.0001, cubic: [37.5], bbr: [92.5] },
  { loss: 0.001, cubic: [6.9, 9.1], bbr: [91.4] },
  { loss: 0.01, cubic: [1.3], bbr: [90.5] },
  { loss: 0.05, cubic: [0.43], bbr: [86.9] },
  { loss: 0.1, cubic: [0.29], bbr: [65.5, 79.5, 81.9] },
  { loss: 0.12, bbr: [80.2], unjudged: "above 10 %" },
  { loss: 0.15, cubic: [0.2], bbr: [73.3, 2.6, 2.2], unjudged: "bimodal" },
  { loss: 0.2, cubic: [0.15], bbr: [0.9], unjudged: "above 10 %" },
  { loss: 0.3, cubic: [0.05], bbr: [0.4], unjudged: "above 10 %" },
  { loss: 0.5, cubic: [0.03], bbr: [0], unjudged: "above 10 %" },
];

/** 100 Mbit/s, 100 ms, a buffer of one bandwidth-delay product, 60 s. */
function lossSweep(): Cell[] {
  return ["cubic", "bbr"].flatMap((congestion) =>
    LOSSES.flatMap(({ loss, unjudged, ...of }) => {
      const goodput = congestion === "bbr" ? of.bbr : of.cubic;
      if (goodput === undefined) return [];
      return {
        name: `loss ${percent(loss)}, ${congestion}`,
        congestion,
        seconds: 60,
        rate: 100e6,
        rtt: 100 * MS,
        buffer: 1_250_000,
        loss,
        reference: { goodput },
        ...(unjudged === undefined ? {} : { unjudged }),
      };
    }),
  );
}

/** The same with the kernel's default of 4 MiB for `tcp_wmem`, recorded again: from 27 s to 36 s, when the rate was steady. */
function sendBuffer(): Cell[] {
  return [
    { wmem: 4_194_304, goodput: [73.6], name: "4 MiB" },
    { wmem: 33_554_432, goodput: [88.3], name: "32 MiB" },
  ].map(({ wmem, goodput, name }) => ({
    name: `loss 5 %, bbr, send buffer of ${name}`,
    congestion: "bbr",
    seconds: 60,
    rate: 100e6,
    rtt: 100 * MS,
    buffer: 1_250_000,
    loss: 0.05,
    wmem,
    reference: { goodput },
  }));
}

function bufferbloat(): Cell[] {
  const cell = (
    name: string,
    buffer: number,
    congestion: string,
    goodput: number,
    mean: number,
    max: number,
  ): Cell => ({
    name: `bufferbloat ${name}, ${congestion}`,
    congestion,
    seconds: 40,
    rate: 10e6,
    rtt: 40 * MS,
    buffer,
    reference: { goodput: [goodput], meanRtt: [mean], maxRtt: [max] },
  });
  return [
    cell("50 kB", 50_000, "cubic", 9.57, 70.5, 79.8),
    cell("50 kB", 50_000, "bbr", 9.33, 57.8, 72.6),
    cell("2 MB", 2_000_000, "cubic", 9.63, 1110, 1641),
    cell("2 MB", 2_000_000, "bbr", 9.46, 69.5, 123),
  ];
}

function policed(): Cell[] {
  const cell = (
    name: string,
    rtt: number,
    burst: number,
    congestion: string,
    goodput: number,
    dropped: number,
  ): Cell => ({
    name: `policer ${name}, ${congestion}`,
    congestion,
    seconds: 40,
    rate: 100e6,
    rtt: rtt * MS,
    buffer: 1_250_000,
    policer: { rate: 10e6, burst },
    reference: { goodput: [goodput], dropped: [dropped] },
  });
  return [
    cell("40 ms, bucket 100 kB", 40, 100_000, "cubic", 9.42, 1.7),
    cell("40 ms, bucket 100 kB", 40, 100_000, "bbr", 9.51, 6.9),
    cell("40 ms, bucket 1 MB", 40, 1_000_000, "cubic", 9.8, 4.4),
    cell("40 ms, bucket 1 MB", 40, 1_000_000, "bbr", 9.82, 8.6),
    cell("100 ms, bucket 1 MB", 100, 1_000_000, "bbr", 9.73, 9.8),
  ];
}

export const CELLS: readonly Cell[] = [...lossSweep(), ...sendBuffer(), ...bufferbloat(), ...policed()];

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`;
}
