import http from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { test } from "@seville/stack/vitest";

// The example of README.md, word for word.
const get = (url: string) =>
  new Promise<string>((resolve, reject) => {
    http.get(url, (answer) => void text(answer).then(resolve)).on("error", reject);
  });

test("a client reaches its server over a bad network, and again after a partition", async ({ world }) => {
  const [client, server] = [world.host("client"), world.host("server")];
  world.link(client, server, "delay=50ms loss=5% rate=1mbit");
  server.start(() => http.createServer((_, answer) => answer.end("hello")).listen(80));
  expect(await client.run(() => get("http://server/"))).toBe("hello");
  world.partition([client]);
  const later = client.start(() => get("http://server/"));
  await world.sleep("3s");
  world.heal();
  expect(await world.run(later)).toBe("hello");
});
