/** Warns of each kind of problem once. The message is made only then. Of kinds there are few: each is kept. */
export type WarnOnce = (kind: string, message: () => string) => void;

export function oncePerKind(warn: (message: string) => void): WarnOnce {
  const warned = new Set<string>();
  return (kind, message) => {
    if (warned.has(kind)) return;
    warned.add(kind);
    warn(message());
  };
}
