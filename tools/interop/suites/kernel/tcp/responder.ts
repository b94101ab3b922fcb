import { createHash, type Hash } from "node:crypto";
import { openTcp, type TcpSocket } from "../../../../../packages/stack/src/tcp/index.ts";
import type { Host } from "../../../../../packages/stack/src/index.ts";
import { Source } from "./stream.ts";

/** A small HTTP/1.1 server (RFC 9112) on our sockets: `GET /N` is answered with N bytes, `PUT` with the SHA-256 of what came. */
export interface Responder {
  readonly requests: readonly string[];
  /** SHA-256 of the bodies that were sent, in order. */
  readonly hashes: readonly string[];
  close(): void;
}

export function startResponder(host: Host, port: number): Responder {
  const listener = openTcp(host, { family: 6 });
  const requests: string[] = [];
  const hashes: string[] = [];
  const sockets = new Set<TcpSocket>();
  listener.set("SO_REUSEADDR", 1);
  listener.bind({ port });
  listener.listen();
  listener.onReady = () => {
    for (let socket = listener.accept(); socket !== undefined; socket = listener.accept()) serve(socket);
  };

  function serve(socket: TcpSocket): void {
    sockets.add(socket);
    let head = "";
    let body: { left: number; readonly hash: Hash } | undefined;
    let pending = Buffer.alloc(0);
    let source: Source | undefined;
    socket.onReady = () => {
      while (!socket.closed) {
        if (!flush()) return;
        const part = socket.recv();
        if (part === undefined) return;
        if (part.length === 0) {
          sockets.delete(socket);
          socket.close();
          return;
        }
        take(Buffer.from(part));
      }
    };
    socket.onReady(socket.poll());

    /** Whether all that was to be said is said. */
    function flush(): boolean {
      pending = pending.subarray(pending.length === 0 ? 0 : socket.send(pending));
      if (pending.length > 0) return wait();
      while (source !== undefined && source.left > 0) {
        const taken = socket.send(source.next());
        if (taken === 0) return wait();
        source.took(taken);
      }
      if (source !== undefined) hashes.push(source.digest());
      source = undefined;
      return true;
    }

    function wait(): false {
      socket.poll();
      return false;
    }

    function take(bytes: Buffer): void {
      if (body !== undefined) {
        body.hash.update(bytes.subarray(0, body.left));
        body.left -= Math.min(body.left, bytes.length);
        if (body.left === 0) {
          answer(`${body.hash.digest("hex")}\n`);
          body = undefined;
        }
        return;
      }
      head += bytes.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const rest = Buffer.from(head.slice(end + 4), "latin1");
      const fields = head.slice(0, end);
      head = "";
      requests.push(fields.split("\r\n")[0] ?? "");
      const length = Number(/content-length: (\d+)/i.exec(fields)?.[1] ?? 0);
      if (/^PUT /.test(fields)) {
        body = { left: length, hash: createHash("sha256") };
        if (/expect: 100-continue/i.test(fields)) pending = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
        take(rest);
        return;
      }
      const size = Number(/^GET \/(\d+)/.exec(fields)?.[1] ?? 0);
      pending = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      source = new Source(`GET ${size}`, size);
    }

    function answer(text: string): void {
      pending = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    }
  }

  return {
    requests,
    hashes,
    close() {
      listener.close();
      for (const socket of sockets) socket.close();
    },
  };
}
