import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ConcurrencyDefinition, PolicyDefinition, RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import type { Adapter } from '../support/app.js';
import type { Witness } from './witness.js';

/** What a process says when it ends. */
export interface Ended {
  log: string[];
  unhandled: string[];
  /** What was written past the logger. */
  stderr: string;
  /** How long app.close() took, in milliseconds, but for what the machine kept the process from its work. */
  closing: number;
}

/** The policies of holds-process.mjs by name: each, tenant, failures, slots. It adds keys, costs and settlements. */
export type HeldPolicies = Record<string, Omit<ConcurrencyDefinition, 'name'> | Omit<PolicyDefinition, 'name'>>;

export interface HoldsSettings {
  adapter: Adapter;
  options: RateLimitModuleOptions;
  policies: HeldPolicies;
}

/** A request of a client, and what it is to become. */
export interface Order {
  id: string;
  route: 'returns' | 'throws' | 'responds' | 'streams' | 'refused';
  tenant: string;
  estimate: number;
  used: number;
  /** How long its handler runs, in milliseconds. */
  ms: number;
  /** After how many milliseconds its client goes away. Default: when it has its answer. */
  leaves?: number | undefined;
}

/** What became of it: the status; 0 if the connection ended without one. */
export interface Answer {
  order: Order;
  by: HoldsProcess;
  status: number;
  /** In milliseconds. */
  took: number;
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** No request may take longer, whatever happens: in milliseconds. */
const HANGS = 10_000;

/** One process of an application. The spec that starts it ends or kills it. */
export class HoldsProcess {
  isKilled = false;
  /** The requests that have no answer yet. */
  readonly open = new Set<string>();
  private readonly agent = new Agent({ keepAlive: true });
  private stderr = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  static async start({ port: witness }: Witness, settings: HoldsSettings): Promise<HoldsProcess> {
    execFileSync(process.execPath, [fileOf('../exactness/ensure-built.mjs')], { stdio: 'inherit' });
    const child = fork(fileOf('holds-process.mjs'), [JSON.stringify({ ...settings, witness })], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      timeout: 120_000,
    });
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('a process ended')));
    ended.catch(() => undefined);
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    return new HoldsProcess(child, port);
  }

  async ask(order: Order): Promise<Answer> {
    const { id, route, leaves, ...query } = order;
    const search = new URLSearchParams({ id, ...(query as object) } as Record<string, string>);
    const began = performance.now();
    this.open.add(id);
    const status = await new Promise<number>((resolve) => {
      const sent = request({ port: this.port, agent: this.agent, path: `/${route}?${search.toString()}` });
      const late = setTimeout(() => (resolve(-1), sent.destroy()), HANGS);
      const timer = leaves === undefined ? undefined : setTimeout(() => sent.destroy(), leaves);
      const over = (code: number) => (clearTimeout(late), clearTimeout(timer), resolve(code));
      sent.on('error', () => over(0));
      sent.on('response', (response) => {
        response.on('error', () => over(0));
        response.on('close', () => over(response.complete ? response.statusCode! : 0));
        response.resume();
      });
      sent.end();
    });
    this.open.delete(id);
    return { order, by: this, status, took: performance.now() - began };
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.isKilled = true;
    const gone = once(this.child, 'exit');
    if (!this.child.kill('SIGKILL')) return;
    await gone;
    this.agent.destroy();
  }

  /** Closes the application. A process that something holds open is an error. */
  async end(): Promise<Ended> {
    this.agent.destroy();
    const told = once(this.child, 'message') as Promise<[Omit<Ended, 'stderr'>]>;
    const gone = once(this.child, 'exit').then(([code]) => code as number);
    this.child.send('end');
    const [ended] = await told;
    const code = await Promise.race([gone, sleep(5_000, 'it did not end', { ref: false })]);
    if (code !== 0) throw new Error(`a process: ${code}`);
    return { ...ended, stderr: this.stderr };
  }
}

/** In milliseconds: how long a client waits after a denial. */
const REST = 20;

/** Asks the processes in turn, so many at a time, until there are no more orders. */
export async function askAll(
  processes: () => readonly HoldsProcess[],
  orders: Iterator<Order>,
  atOnce: number,
  answered: (answer: Answer) => void,
): Promise<void> {
  let turn = 0;
  const loop = async (): Promise<void> => {
    for (let next = orders.next(); !next.done; next = orders.next()) {
      const all = processes();
      const answer = await all[turn++ % all.length]!.ask(next.value);
      answered(answer);
      // As clients do; otherwise most requests would be denials.
      if (answer.status === 429) await sleep(REST);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
}
