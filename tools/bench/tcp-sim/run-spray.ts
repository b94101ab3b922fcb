import { serve } from "../lib/worker-pool.ts";
import type { SprayRun } from "./bench.ts";
import { sprayTable } from "./spray.ts";

serve(({ name, seeds, seconds }: SprayRun) => sprayTable({ seeds, seconds, only: name }));
