import type { AckObservation, LossObservation, ResetObservation, TimeoutObservation } from "@seville/congestion";
import { expect, test } from "vitest";
import type { LossObserver, TcpConnection } from "../src/index.ts";
import { Pair } from "./pair.ts";

const MS = 1_000_000;

/** Writes down what it is told. */
class Notes implements LossObserver {
  readonly acks: AckObservation[] = [];
  readonly losses: LossObservation[] = [];
  readonly timeouts: TimeoutObservation[] = [];
  readonly resets: ResetObservation[] = [];
  onAck(ack: AckObservation): void {
    this.acks.push(ack);
  }
  onLoss(loss: LossObservation): void {
    this.losses.push(loss);
  }
  onTimeout(timeout: TimeoutObservation): void {
    this.timeouts.push(timeout);
  }
  onReset(reset: ResetObservation): void {
    this.resets.push(reset);
  }
}

/** A client that is observed, and its server. */
function observed(): { pair: Pair; notes: Notes; client: TcpConnection; server: TcpConnection } {
  const notes = new Notes();
  const pair = new Pair({ endpoints: [{ lossObserver: () => notes }, {}] });
  const [client, server] = pair.open();
  return { pair, notes, client, server };
}

test("lossObserver: each acknowledgment tells RTT, bytes and packets delivered", () => {
  const { pair, notes, client } = observed();
  expect(client.lossObserver).toBe(notes);
  notes.acks.length = 0;
  pair.send(0, client, new Uint8Array(2896));
  pair.run(50 * MS);
  expect(notes.acks.reduce((sum, { packets }) => sum + packets, 0)).toBe(2);
  expect(notes.acks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2896);
  for (const { rttUs, now, sentAt, largest } of notes.acks) {
    expect(rttUs).toBe(10_000);
    expect(now - sentAt).toBe(10 * MS);
    expect(largest).toBeLessThanOrEqual(1448);
  }
  pair.finish();
});

test("lossObserver: a packet that is marked lost is told once, by its number and time of sending", () => {
  const { pair, notes, client } = observed();
  const fate = pair.fate;
  let count = 0;
  pair.fate = (output, from, now) => (from === 0 && ++count === 2 ? [] : fate(output, from, now));
  const at = pair.now;
  const second = (client.sndNxt + 1448) >>> 0;
  pair.send(0, client, new Uint8Array(10 * 1448));
  pair.run(100 * MS);
  expect(notes.losses).toHaveLength(1);
  expect(notes.losses[0]).toMatchObject({ seq: second, sentAt: at, bytes: 1448, again: false });
  pair.finish();
});

test("lossObserver: timeouts in a row are counted, with the silence before the first", () => {
  const { pair, notes, client } = observed();
  pair.send(0, client, new Uint8Array(100));
  pair.run(2000 * MS);
  pair.fate = () => [];
  pair.send(0, client, new Uint8Array(100));
  pair.run(3000 * MS);
  expect(notes.timeouts.map(({ consecutive }) => consecutive).slice(0, 3)).toEqual([1, 2, 3]);
  expect(notes.timeouts[0]).toMatchObject({ established: true, bytes: 100 });
  expect(notes.timeouts[0]?.idleBefore).toBeGreaterThan(1900 * MS);
});

test("lossObserver: an RST while data is out", () => {
  const { pair, notes, client, server } = observed();
  pair.send(0, client, new Uint8Array(5000));
  pair.ends[1].abort(server, pair.now);
  pair.run(100 * MS);
  expect(notes.resets).toEqual([{ now: expect.any(Number) as number, busy: true, foreignTtl: false }]);
});
