import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLimiter, type Limiter } from 'nestjs-redis-rate-limit/engine';
import { serverKinds, startRedis, type Server } from '../support/redis/servers.js';

type Counts = Record<'trial' | 'beside', number>;
interface Report {
  charged: Counts;
  passed: Counts;
  decided: Counts;
  denied: number;
  wouldDeny: number;
}

/** More requests come than either lets pass. */
const policies = {
  trial: { limit: 900, window: '1h', mode: 'shadow', blockFor: '1s' },
  beside: { limit: 200, window: '1h' },
} as const;

const PROCESSES = 2;
const REQUESTS = 1_000;
const FLIP_EVERY = 60;

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe.each(serverKinds())('a policy that turns from shadow to enforce and back, on $label', (kind) => {
  let server: Server;
  let limiter: Limiter;
  const processes: ChildProcess[] = [];
  beforeAll(async () => {
    execFileSync(process.execPath, [fileOf('ensure-built.mjs')], { stdio: 'inherit' });
    server = await startRedis({ kind });
  });
  afterAll(async () => {
    for (const each of processes) each.kill();
    await limiter?.close();
    await server?.stop();
  });

  it('counts in Redis what two processes were charged meanwhile: nothing is lost, and nothing counted twice', async () => {
    const prefix = randomUUID();
    limiter = await createLimiter({ redis: server.url, prefix, policies, denialCache: false, timeout: 20_000 });
    const start = () =>
      fork(fileOf('flip-worker.mjs'), [server.url, prefix, JSON.stringify(policies), String(REQUESTS)], {
        execArgv: [],
        timeout: 60_000,
      });
    processes.push(...Array.from({ length: PROCESSES }, start));
    await Promise.all(processes.map((each) => once(each, 'message')));
    const reports = Promise.all(processes.map(async (each) => ((await once(each, 'message')) as [Report])[0]));
    for (const each of processes) each.send('go');
    const isOver = reports.then(() => true);
    for (let flips = 0; !(await Promise.race([isOver, sleep(FLIP_EVERY, false)])); flips++) {
      await limiter.limits.set('trial', { mode: flips % 2 === 0 ? 'enforce' : 'shadow' });
    }
    const all = await reports;
    const sum = (of: (report: Report) => number) => all.reduce((total, report) => total + of(report), 0);
    await limiter.limits.set('trial', { mode: 'enforce' });
    for (const policy of ['trial', 'beside'] as const) {
      await limiter.limits.set(policy, { limit: 100_000 });
      if (policy === 'trial') await limiter.unblock(policy, 'one');
      const { remaining } = await limiter.peek(policy, 'one');
      const charged = sum((report) => report.charged[policy]);
      expect([policy, 100_000 - remaining]).toEqual([policy, charged]);
      expect([policy, sum((report) => report.passed[policy])]).toEqual([policy, charged]);
    }
    // Each hit has one event.
    expect(sum(({ decided }) => decided.trial)).toBe(PROCESSES * REQUESTS);
    expect(sum(({ decided }) => decided.beside)).toBe((PROCESSES * REQUESTS) / 2);
    expect(sum(({ charged }) => charged.trial)).toBeLessThanOrEqual(policies.trial.limit);
    // Both modes were seen.
    expect(sum(({ denied }) => denied)).toBeGreaterThan(0);
    expect(sum(({ wouldDeny }) => wouldDeny)).toBeGreaterThan(0);
  });
});
