import { createPacketMemory } from "@seville/core";
import { afterEach, describe, expect, test, vi } from "vitest";

/** The package as a host without this or that would load it. */
async function fresh() {
  vi.resetModules();
  return import("@seville/checksum");
}

afterEach(() => vi.unstubAllGlobals());

/** WebAssembly in which some things are different. */
function stubWebAssembly(different: Record<string, unknown>): void {
  vi.stubGlobal("WebAssembly", { ...properties(WebAssembly), ...different });
}

function properties(object: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.getOwnPropertyNames(object).map((name) => [name, (object as Record<string, unknown>)[name]]),
  );
}

function refusing(error: Error): unknown {
  return function Module(): never {
    throw error;
  };
}

const bytes = new TextEncoder().encode("123456789".repeat(20));

async function worksInTypeScript(): Promise<void> {
  const memory = createPacketMemory({ bytes: 65_536 });
  const checksum = await fresh();
  const kernels = checksum.bindChecksum(memory);
  expect(kernels.kind).toBe("typescript");
  memory.u8.set(bytes, memory.base);
  const { crc32c, sum } = await import("@seville/checksum");
  expect(kernels.crc32c(memory.base, bytes.length)).toBe(crc32c(bytes));
  expect(kernels.crc32c(memory.base, 9)).toBe(0xe3069283);
  expect(kernels.sum(memory.base, bytes.length)).toBe(sum(bytes));
}

describe("hosts on which the kernel cannot run get the twin", () => {
  test("K4 no WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    await worksInTypeScript();
    expect(await (await fresh()).initChecksum()).toBe("typescript");
  });

  test("K4 no SIMD: the module does not validate", async () => {
    stubWebAssembly({ validate: () => false });
    await worksInTypeScript();
    expect(await (await fresh()).initChecksum()).toBe("typescript");
  });

  test("K4 a content security policy that forbids compiling", async () => {
    const refused = new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
    stubWebAssembly({ Module: refusing(refused), compile: () => Promise.reject(refused) });
    await worksInTypeScript();
    expect(await (await fresh()).initChecksum()).toBe("typescript");
  });

  test("K4 any other failure is not swallowed", async () => {
    stubWebAssembly({ Module: refusing(new TypeError("something else")) });
    const memory = createPacketMemory({ bytes: 65_536 });
    const { bindChecksum } = await fresh();
    expect(() => bindChecksum(memory)).toThrow("something else");
    stubWebAssembly({ compile: () => Promise.reject(new TypeError("something else")) });
    await expect((await fresh()).initChecksum()).rejects.toThrow("something else");
  });
});

test("K4 a main thread that refuses synchronous compilation uses SIMD after initChecksum()", async () => {
  stubWebAssembly({ Module: refusing(new RangeError("disallowed on the main thread")) });
  const memory = createPacketMemory({ bytes: 65_536 });
  const { bindChecksum, initChecksum } = await fresh();
  expect(bindChecksum(memory).kind).toBe("typescript");
  expect(await initChecksum()).toBe("simd");
  const later = createPacketMemory({ bytes: 65_536 });
  expect(bindChecksum(later).kind).toBe("simd");
});

test("K4 each kernel module is below the 4 KiB that browsers compile on a main thread", async () => {
  for (const name of ["sum", "crc32c"]) {
    const { wasm } = (await import(`../src/${name}.generated.ts`)) as { wasm: string };
    expect(atob(wasm).length).toBeLessThan(4096);
  }
});
