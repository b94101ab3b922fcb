/** A script of this suite, to run with Node in a namespace. */
export function script(name: string): readonly string[] {
  return [process.execPath, "--no-deprecation", new URL(`scripts/${name}`, import.meta.url).pathname];
}
