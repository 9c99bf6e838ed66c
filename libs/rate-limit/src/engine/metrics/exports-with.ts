/** Finds exports in a module: some bundlers and loaders put all exports of a CommonJS module into `default`. */
export function exportsWith<T extends object>(module: object, names: readonly (keyof T)[]): T | undefined {
  for (let exports: unknown = module, depth = 0; exports && depth < 3; depth++) {
    const found = exports as Partial<T> & { default?: unknown };
    if (names.every((name) => found[name] !== undefined)) return found as T;
    exports = found.default;
  }
  return undefined;
}
