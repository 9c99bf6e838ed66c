import { main } from '../../libs/rate-limit/src/cli/main.js';

/** What a command line printed, and its exit code. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. */
export async function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await main(args, env, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

/** The objects of `--json`. */
export const objectsIn = ({ out }: Ran): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
