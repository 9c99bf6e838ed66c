import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Decision, PolicyDefinition } from 'nestjs-redis-rate-limit';

/** What one process is to do: a request for each cost, all at once, each with every claim. */
export interface Task {
  claims: { policy: PolicyDefinition; key: string }[];
  costs: number[];
}

export interface Outcome {
  cost: number;
  decisions: Decision[];
  admitted: boolean;
}

/** Processes that spend on one Redis. Whoever starts them stops them. */
export class Workers {
  private constructor(private readonly processes: readonly ChildProcess[]) {}

  static async start(count: number, url: string): Promise<Workers> {
    execFileSync(process.execPath, [fileOf('ensure-built.mjs')], { stdio: 'inherit' });
    // The time limit is for a test run that ends without stopping them.
    const start = () => fork(fileOf('worker.mjs'), [url], { execArgv: [], timeout: 120_000 });
    const workers = new Workers(Array.from({ length: count }, start));
    await Promise.all(workers.processes.map(answerOf)).catch(async (error: unknown) => {
      await workers.stop();
      throw error;
    });
    return workers;
  }

  /** One task for each process, begun together. */
  async spend(tasks: readonly Task[]): Promise<Outcome[][]> {
    const answers = Promise.all(this.processes.map(answerOf));
    this.processes.forEach((each, i) => each.send(tasks[i]!));
    return (await answers).map(({ error, outcomes }) => {
      if (!outcomes) throw new Error(error);
      return outcomes;
    });
  }

  async stop(): Promise<void> {
    const running = this.processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ended = running.map((each) => once(each, 'exit'));
    for (const each of running) if (each.connected) each.disconnect();
    await Promise.all(ended);
  }
}

interface Answer {
  outcomes?: Outcome[];
  error?: string;
}

/** What a process tells next. One that ends instead is an error. */
function answerOf(worker: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a worker ended with ${code}`));
    worker.once('exit', ended);
    worker.once('message', (message) => {
      worker.off('exit', ended);
      resolve(message as Answer);
    });
  });
}

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
