import { openUdp, type Host, type UdpSocket } from "../../../../../packages/stack/src/index.ts";
import type { GuestSession } from "../../../../linux-peer/session.ts";

/** UDP port where both sides take down what arrives. */
export const PORT = 9999;

/** A datagram that arrived: its mark, and what its IP header said. */
export interface Arrival {
  readonly mark: string;
  readonly length: number;
  readonly tos: number;
  readonly ttl: number;
}

/** A datagram to send; its payload is the mark, a semicolon and dots. */
export interface Datagram {
  readonly mark: string;
  readonly to: string;
  readonly tos?: number;
  readonly ttl?: number;
  readonly df?: boolean;
  /** Bytes of the IP packet. */
  readonly length?: number;
}

let marks = 0;

/** A mark that no other datagram of this run has, and that is in no other one. */
export function newMark(): string {
  return `mark-${++marks}-`;
}

/** Our sockets. */
export class Sink {
  readonly arrivals: Arrival[] = [];
  readonly #sockets: readonly UdpSocket[];

  constructor(host: Host) {
    this.#sockets = ([4, 6] as const).map((family) => {
      const socket = openUdp(host, family === 6 ? { family, v6only: true } : { family });
      socket.bind({ port: PORT });
      socket.onReadable = () => {
        for (let got = socket.recv(); got !== undefined; got = socket.recv()) {
          const [mark = ""] = new TextDecoder().decode(got.data).split(";");
          this.arrivals.push({ mark, length: got.data.length, tos: got.tos, ttl: got.ttl });
        }
      };
      return socket;
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Sends from our host. Answers the error code, or `undefined`. */
export function sendFromOurs(host: Host, datagram: Datagram): string | undefined {
  const { to, tos = 0, ttl = 64, df } = datagram;
  const isV6 = to.includes(":");
  const socket = openUdp(host, { family: isV6 ? 6 : 4 });
  try {
    if (isV6) {
      socket.set("IPV6_TCLASS", tos);
      socket.set("IPV6_UNICAST_HOPS", ttl);
      if (df !== undefined) socket.set("IPV6_MTU_DISCOVER", df ? 2 : 0);
    } else {
      socket.set("IP_TOS", tos);
      socket.set("IP_TTL", ttl);
      if (df !== undefined) socket.set("IP_MTU_DISCOVER", df ? 2 : 0);
    }
    socket.send(payloadOf(datagram), { address: to, port: PORT });
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    socket.close();
  }
}

function payloadOf({ mark, to, length = 120 }: Datagram): Uint8Array {
  return new TextEncoder().encode(`${mark};`.padEnd(length - (to.includes(":") ? 48 : 28), "."));
}

const SINK = `
import socket,select,struct
out=open('/run/sink.log','w',buffering=1)
ss=[]
for f in (socket.AF_INET,socket.AF_INET6):
  s=socket.socket(f,socket.SOCK_DGRAM)
  for o in ([(0,13),(0,12)] if f==socket.AF_INET else [(41,26),(41,66),(41,51)]): s.setsockopt(o[0],o[1],1)
  s.bind(('',${PORT})); ss.append(s)
while 1:
  for s in select.select(ss,[],[])[0]:
    d,c,_,a=s.recvmsg(65535,512)
    tos=ttl=0
    for l,t,v in c:
      n=v[0] if len(v)==1 else struct.unpack('i',v[:4])[0]
      if (l,t) in ((0,1),(41,67)): tos=n
      if (l,t) in ((0,2),(41,52)): ttl=n
    out.write('%s %d %d %d\\n'%(d.split(b';')[0].decode(),len(d),tos,ttl))
`;

const SEND = `
import socket,json,sys,time
pause=float(sys.argv[2])
for m,to,tos,ttl,df,n in json.loads(sys.argv[1]):
  six=':' in to
  s=socket.socket(socket.AF_INET6 if six else socket.AF_INET,socket.SOCK_DGRAM)
  if six:
    s.setsockopt(41,67,tos); s.setsockopt(41,16,ttl)
    if df>=0: s.setsockopt(41,23,df)
  else:
    s.setsockopt(0,1,tos); s.setsockopt(0,2,ttl)
    if df>=0: s.setsockopt(0,10,df)
  try: s.sendto((m+';').encode().ljust(n-(48 if six else 28),b'.'),(to,${PORT}))
  except OSError as e: print(m,e.errno)
  time.sleep(pause)
`;

/** Has the guest take down what arrives, in its first namespace. */
export async function startGuestSink(guest: GuestSession): Promise<void> {
  await guest.expect(`cat >/run/sink.py <<'END'\n${SINK}\nEND\ncat >/run/send.py <<'END'\n${SEND}\nEND`);
  await guest.expect(
    "python3 /run/sink.py >/run/sink.err 2>&1 & for i in $(seq 100); do [ -e /run/sink.log ] && break; sleep 0.05; done; [ -e /run/sink.log ]",
  );
}

/** Sends from the guest, `pause` seconds after each other. Answers the marks of those that failed, and the error's number. */
export async function sendFromGuest(
  guest: GuestSession,
  datagrams: readonly Datagram[],
  pause = 0,
): Promise<ReadonlyMap<string, number>> {
  const failed = new Map<string, number>();
  // A line of the console holds 4095 bytes.
  for (let i = 0; i < datagrams.length; i += 40) {
    const list = datagrams
      .slice(i, i + 40)
      .map(({ mark, to, tos = 0, ttl = 64, df, length = 120 }) => [
        mark,
        to,
        tos,
        ttl,
        df === undefined ? -1 : df ? 2 : 0,
        length,
      ]);
    const text = await guest.expect(`python3 /run/send.py '${JSON.stringify(list)}' ${pause}`);
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const [mark = "", error] = line.split(" ");
      failed.set(mark, Number(error));
    }
  }
  return failed;
}

/** What arrived in the guest of these marks, in order. */
export async function guestArrivals(guest: GuestSession, marks: readonly string[]): Promise<readonly Arrival[]> {
  const wanted = new Set(marks);
  const text = await guest.expect("tail -n 400 /run/sink.log");
  return text
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([mark = ""]) => wanted.has(mark))
    .map(([mark = "", length, tos, ttl]) => ({ mark, length: Number(length), tos: Number(tos), ttl: Number(ttl) }));
}
