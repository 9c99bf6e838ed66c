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

interface Settings {
  /** By how many milliseconds its clock is wrong. */
  clock: number;
  /** How many requests it has under way at a time. One travels alone, several together. */
  loops: number;
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Processes that each have their own clock and spend on one Redis. The spec that starts them must stop them. */
export class CalendarProcesses {
  private constructor(readonly processes: readonly ChildProcess[]) {}

  static async start(url: string, settings: readonly Settings[]): Promise<CalendarProcesses> {
    execFileSync(process.execPath, [fileOf('../exactness/ensure-built.mjs')], { stdio: 'inherit' });
    const started = settings.map((own) =>
      // The time limit is for a test run that ends without stopping them.
      fork(fileOf('calendar-process.mjs'), [JSON.stringify({ url, ...own })], { execArgv: [], timeout: 120_000 }),
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
