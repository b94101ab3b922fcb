/** A kernel as it is shipped, and compiled once it has been needed. */
export interface KernelModule {
  readonly base64: string;
  compiled: WebAssembly.Module | undefined;
}

export function kernelModule(base64: string): KernelModule {
  return { base64, compiled: undefined };
}

/**
 * The compiled module, or `undefined` where it cannot be had: no WebAssembly, no SIMD, a content security policy that
 * forbids it, or a browser's main thread that does not compile synchronously. Asked again, it tries again.
 */
export function compileSync(kernel: KernelModule): WebAssembly.Module | undefined {
  if (kernel.compiled !== undefined) return kernel.compiled;
  if (typeof WebAssembly !== "object") return undefined;
  const bytes = decode(kernel.base64);
  if (!WebAssembly.validate(bytes)) return undefined;
  try {
    return (kernel.compiled = new WebAssembly.Module(bytes));
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** {@link compileSync}, but where only asynchronous compilation is allowed too. */
export async function compileAsync(kernel: KernelModule): Promise<WebAssembly.Module | undefined> {
  if (kernel.compiled !== undefined) return kernel.compiled;
  if (typeof WebAssembly !== "object") return undefined;
  const bytes = decode(kernel.base64);
  if (!WebAssembly.validate(bytes)) return undefined;
  try {
    return (kernel.compiled = await WebAssembly.compile(bytes));
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/**
 * Whether a module that validates was refused by policy: engines throw a CompileError (Chromium, Firefox) or EvalError
 * (older Safari) for a content security policy, and a RangeError for a module too big for the main thread.
 */
function isRefusal(error: unknown): boolean {
  return error instanceof WebAssembly.CompileError || error instanceof EvalError || error instanceof RangeError;
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
