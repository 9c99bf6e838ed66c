import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { PolicyDefinition, RateLimitModuleOptions } from 'nestjs-redis-rate-limit';

/** What became of the requests of one phase. */
export interface Count {
  sent: number;
  /** By Redis. */
  admitted: number;
  denied: number;
  /** Admitted without Redis. */
  locally: number;
  /** Of a closed policy, without Redis. */
  refused: number;
  /** For a deadline. */
  waited: number;
  /** What must never be. */
  wrong: string[];
  /** In milliseconds. */
  slowest: number;
  /** The same, but for what the machine kept the process from its work. */
  slowestAwake: number;
  /** Units that Redis admitted, by policy and key. */
  units: Record<string, number>;
}

/** What a process holds on to. */
export interface Memory {
  heap: number;
  /** Sockets and the like, but no timers. */
  handles: number;
  timers: number;
}

export interface Told extends Memory {
  phases: Record<string, Count>;
  log: string[];
  unhandled: string[];
  /** What was written past the logger: warnings of Node's, errors of ioredis'. */
  stderr: string;
  /** How long app.close() took, in milliseconds, but for what the machine kept the process from its work. */
  closing: number;
}

export interface Load {
  /** Plain data: it goes to other processes. */
  options: RateLimitModuleOptions;
  /** What each request claims; of `keys` many keys where that is said. */
  claims: { policy: PolicyDefinition; key: string; keys?: number }[];
  /** How many loops ask in each instance. Default 16. */
  loops?: number;
  /** How long a loop rests between requests, in milliseconds. Default 10. */
  rest?: number;
  /** Whether to count the units that Redis admitted, key by key. Default true. */
  tally?: boolean;
  /** How wrong the clocks of the instances are, in milliseconds, in turn. Default right. */
  clocks?: number[];
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Processes of one application, all under load. Whoever starts them ends or kills them. */
export class Instances {
  private readonly stderr: string[];

  private constructor(private readonly processes: readonly ChildProcess[]) {
    this.stderr = processes.map(() => '');
    processes.forEach(({ stderr }, i) =>
      stderr!.setEncoding('utf8').on('data', (text) => (this.stderr[i] = `${this.stderr[i]}${text}`)),
    );
  }

  static async start(
    count: number,
    { options, claims, loops = 16, rest = 10, clocks = [0], tally = true }: Load,
  ): Promise<Instances> {
    execFileSync(process.execPath, [fileOf('../exactness/ensure-built.mjs')], { stdio: 'inherit' });
    const children = Array.from({ length: count }, (_, i) => {
      const settings = { options, claims, loops, rest, clock: clocks[i % clocks.length], tally };
      return fork(fileOf('instance.mjs'), [JSON.stringify(settings)], {
        execArgv: ['--expose-gc'],
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      });
    });
    const instances = new Instances(children);
    try {
      await Promise.all(children.map((child) => nextFrom(child)));
    } catch (error) {
      instances.kill();
      throw error;
    }
    return instances;
  }

  begin(phase: string): void {
    for (const child of this.processes) child.send({ begin: phase });
  }

  /** From here on requests are counted apart. */
  phase(phase: string): void {
    for (const child of this.processes) child.send({ phase });
  }

  async memory(): Promise<Memory[]> {
    const answers = this.processes.map((child) => nextFrom(child));
    for (const child of this.processes) child.send({ memory: true });
    return (await Promise.all(answers)).map(({ memory }) => memory as Memory);
  }

  /** Ends the load, and waits until the processes are gone: one that something holds open is an error. */
  async end(): Promise<Told[]> {
    const told = this.processes.map((child) => nextFrom(child));
    const gone = this.processes.map((child) => once(child, 'exit'));
    for (const child of this.processes) child.send({ end: true });
    const all = (await Promise.all(told)) as unknown as Told[];
    const patience = sleep(5_000, 'late', { ref: false });
    if ((await Promise.race([Promise.all(gone), patience])) === 'late') throw new Error('an instance did not end');
    return all.map((each, i) => ({ ...each, stderr: this.stderr[i]! }));
  }

  kill(): void {
    for (const child of this.processes) child.kill('SIGKILL');
  }
}

/** What a process tells next. One that ends instead is an error. */
function nextFrom(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`an instance ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Record<string, unknown>);
    });
  });
}

/** The counts of several instances as one. */
export function sumOf(told: readonly Told[], ...phases: string[]): Count {
  const counts = told.flatMap((each) =>
    Object.entries(each.phases).filter(([name]) => phases.length === 0 || phases.includes(name)),
  );
  const sum: Count = {
    sent: 0,
    admitted: 0,
    denied: 0,
    locally: 0,
    refused: 0,
    waited: 0,
    wrong: [],
    slowest: 0,
    slowestAwake: 0,
    units: {},
  };
  for (const [, count] of counts) {
    for (const name of ['sent', 'admitted', 'denied', 'locally', 'refused', 'waited'] as const)
      sum[name] += count[name];
    sum.wrong.push(...count.wrong);
    for (const name of ['slowest', 'slowestAwake'] as const) sum[name] = Math.max(sum[name], count[name]);
    for (const [id, units] of Object.entries(count.units)) sum.units[id] = (sum.units[id] ?? 0) + units;
  }
  return sum;
}
