import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Decision, PolicyDefinition } from 'nestjs-redis-rate-limit';

export interface Claim {
  policy: PolicyDefinition;
  key: string;
  cost: number;
}

/** A request and its answer. The times are milliseconds of a clock that all processes of the machine share. */
export interface Seen {
  /** Which of the requests. */
  request: number;
  admitted: boolean;
  decisions: Decision[];
  sent: number;
  received: number;
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Processes with clocks of their own that spend on one Redis. Whoever starts them stops them. */
export class CalendarProcesses {
  private constructor(readonly processes: readonly ChildProcess[]) {}

  /** @param clocks by how many milliseconds the clock of each process is wrong */
  static async start(url: string, clocks: readonly number[]): Promise<CalendarProcesses> {
    execFileSync(process.execPath, [fileOf('../exactness/ensure-built.mjs')], { stdio: 'inherit' });
    const started = clocks.map((clock) =>
      // The time limit is for a test run that ends without stopping them.
      fork(fileOf('calendar-process.mjs'), [JSON.stringify({ url, clock })], { execArgv: [], timeout: 120_000 }),
    );
    await Promise.all(started.map((each) => once(each, 'message')));
    return new CalendarProcesses(started);
  }

  /** Spends on all requests in turn until `during` is over. */
  async spend(requests: readonly (readonly Claim[])[], during: () => Promise<unknown>): Promise<Seen[]> {
    for (const each of this.processes) each.send({ requests });
    await during();
    const answers = this.processes.map((each) => once(each, 'message') as Promise<[{ seen: Seen[]; error?: string }]>);
    for (const each of this.processes) each.send('end');
    const all = await Promise.all(answers);
    for (const [{ error }] of all) if (error !== undefined) throw new Error(error);
    return all.flatMap(([{ seen }]) => seen);
  }

  async stop(): Promise<void> {
    const running = this.processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ended = running.map((each) => once(each, 'exit'));
    for (const each of running) {
      each.kill('SIGCONT');
      each.disconnect();
    }
    await Promise.all(ended);
  }
}
