import { readFile, rename, writeFile } from 'node:fs/promises';
import {
  StoreUnavailableError,
  type Decision,
  type Hit,
  type Policy,
  type RateLimitStore,
} from 'nestjs-redis-rate-limit';
import { algorithmOf, checkHits, judgeAll, mergingHits, type Clock } from 'nestjs-redis-rate-limit/engine';

type States = Map<string, { readonly state: unknown; readonly until: number }>;

/** Keeps quotas in a JSON file, so that they survive a restart. For one process. */
export class FileStore implements RateLimitStore {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly now: Clock = Date.now,
  ) {}

  async consume(hits: readonly Hit[]): Promise<Decision[]> {
    checkHits(hits);
    if (hits.length === 0) return [];
    return mergingHits(hits, (merged) => this.inTurn((states, now) => judged(merged, states, now)));
  }

  async reset(policy: Policy, key: string): Promise<void> {
    checkHits([{ policy, key, cost: 0 }]);
    await this.inTurn((states) => states.delete(idOf(policy, key)));
  }

  /** One request after the other: what a request leaves is written before the next one is judged. */
  private inTurn<T>(work: (states: States, now: number) => T): Promise<T> {
    const turn = this.last.then(async () => {
      try {
        const now = Math.floor(this.now());
        const states = await this.read(now);
        const answer = work(states, now);
        await writeFile(`${this.path}.new`, JSON.stringify([...states]));
        await rename(`${this.path}.new`, this.path);
        return answer;
      } catch (cause) {
        throw new StoreUnavailableError(`the file ${this.path} cannot be used`, { cause });
      }
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Leaves out what has expired: a full quota again. */
  private async read(now: number): Promise<States> {
    try {
      const states = JSON.parse(await readFile(this.path, 'utf8')) as [string, { state: unknown; until: number }][];
      return new Map(states.filter(([, { until }]) => until > now));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      throw error;
    }
  }
}

/** Charges all hits or none. */
function judged(hits: readonly Hit[], states: States, now: number): Decision[] {
  const claims = hits.map(({ policy, key, cost }) => {
    const id = idOf(policy, key);
    return { id, policy, cost, state: states.get(id)?.state };
  });
  return judgeAll(claims, now).map(({ decision, state }, i) => {
    const { policy, id } = claims[i]!;
    if (state === undefined) states.delete(id);
    else states.set(id, { state, until: now + algorithmOf(policy.algorithm).lifetime(policy, state, now) });
    return decision;
  });
}

/** By `policy.id`, never by the name alone. As JSON, so that no two pairs give the same text. */
const idOf = (policy: Policy, key: string): string => JSON.stringify([policy.id, key]);
