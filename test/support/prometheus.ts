import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetched, ownSuite } from './redis/find/fetch.mjs';
import { commandIn } from './redis/find/unpacked.mjs';
import { freePort } from './redis/ports.mjs';
import { isGone, signal } from './redis/processes.mjs';
import { thisRun } from './redis/this-run.js';

/** In milliseconds. */
const STARTS_WITHIN = 20_000;

/** How to run Prometheus and its tool here. */
export interface PrometheusHere {
  readonly prometheus: readonly string[];
  readonly promtool: readonly string[];
}

/**
 * Finds Prometheus on the PATH, or fetches Debian's package without root. `undefined` where neither works: then it prints a
 * notice that cannot be overlooked.
 */
export async function findPrometheus(): Promise<PrometheusHere | undefined> {
  if (['prometheus', 'promtool'].every((name) => spawnSync('which', [name]).status === 0)) {
    return { prometheus: ['prometheus'], promtool: ['promtool'] };
  }
  try {
    const root = await fetched(ownSuite(), 'prometheus');
    return { prometheus: commandIn(root, 'prometheus'), promtool: commandIn(root, 'promtool') };
  } catch (error) {
    process.stderr.write(
      `\n*** NOT TESTED: the dashboard and the alerts, because Prometheus is neither on the PATH nor can be fetched ***\n` +
        `*** (${(error as Error).message.split('\n')[0]}). Install the package prometheus. ***\n\n`,
    );
    return undefined;
  }
}

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A running Prometheus. */
export interface Prometheus {
  query(expression: string): Promise<Series[]>;
  /** An endpoint of its API, such as `rules`. */
  api(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus on a loopback port, which scrapes one target several times a second.
 *
 * @param target where the metrics are: `127.0.0.1:3000`, below `/metrics`
 * @param rules a file of alert rules
 */
export async function startPrometheus(here: PrometheusHere, target: string, rules: string): Promise<Prometheus> {
  // The run's own folder: whatever leaves its pid there is ended with the run.
  const folder = mkdtempSync(join(thisRun().dir, 'server-prometheus-'));
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms', evaluation_interval: '200ms' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [target] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const [port, log] = [await freePort(), openSync(join(folder, 'log'), 'w')];
  const [file, ...args] = here.prometheus as [string, ...string[]];
  const flags = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': `127.0.0.1:${port}`,
  };
  const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(file, [...args, ...given], { stdio: ['ignore', log, log], cwd: folder });
  closeSync(log);
  child.once('error', () => undefined);
  if (child.pid !== undefined) writeFileSync(join(folder, 'pid'), String(child.pid));
  child.unref();
  const url = `http://127.0.0.1:${port}`;

  async function stop(): Promise<void> {
    if (child.pid !== undefined && child.exitCode === null) {
      signal(child.pid, 'SIGKILL');
      while (!isGone(child.pid)) await sleep(5);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  async function api(path: string): Promise<unknown> {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { data?: unknown; error?: string };
    if (answer.error) throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  for (const deadline = Date.now() + STARTS_WITHIN; ; await sleep(25)) {
    const isReady = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) break;
    if (Date.now() < deadline && child.exitCode === null && child.pid !== undefined) continue;
    const said = readFileSync(join(folder, 'log'), 'utf8');
    await stop();
    throw new Error(`Prometheus did not start: ${said}`);
  }
  return {
    stop,
    api,
    async query(expression) {
      const data = (await api(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Series['metric']; value: [number, string] }[];
      };
      return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
  };
}

/** Checks a file of rules with Prometheus' own tool, which throws what is wrong. */
export function checkRules({ promtool }: PrometheusHere, file: string): string {
  const [tool, ...args] = promtool as [string, ...string[]];
  return execFileSync(tool, [...args, 'check', 'rules', file], { encoding: 'utf8', stdio: 'pipe' });
}
