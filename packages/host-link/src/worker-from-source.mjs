// Starts a worker whose module is TypeScript: only in the project's own tree, where packages run from their sources.
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
await import(workerData.module);
