// Node 20 does not take a loader over to a worker's entry: register it here, then go on in TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./loop.ts");
