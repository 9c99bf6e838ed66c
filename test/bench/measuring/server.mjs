import { Redis } from 'ioredis';

/** Reads what Redis says of its own work, over a connection of its own. */
export class Server {
  constructor(url) {
    this.client = new Redis(url);
  }

  /** The counters since the server's start; two readings make a difference. */
  async read() {
    const info = await this.client.info('all');
    const field = (name) => Number(new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1] ?? NaN);
    const calls = {};
    for (const [, name, count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) calls[name] = Number(count);
    return {
      seconds:
        field('used_cpu_user') +
        field('used_cpu_sys') +
        field('used_cpu_user_children') +
        field('used_cpu_sys_children'),
      memory: field('used_memory'),
      calls,
    };
  }

  async pid() {
    return Number(/^process_id:(\d+)/m.exec(await this.client.info('server'))[1]);
  }

  /** An empty server: no row pays for the keys of another. */
  async empty() {
    await this.client.flushall('SYNC');
  }

  /** From here on the server keeps how long its scripts take. Redis 7 and Valkey do; others leave it unknown. */
  async timeScripts() {
    await this.client.config('SET', 'latency-tracking-info-percentiles', '99 100').catch(() => {});
    await this.client.config('RESETSTAT');
  }

  /** How long one script has held the server since then, in microseconds: 99 of 100, and all of them. */
  async scriptTimes() {
    const info = await this.client.info('latencystats');
    const found = [...info.matchAll(/^latency_percentiles_usec_(?:evalsha|eval|fcall):p99=([\d.]+),p100=([\d.]+)/gm)];
    const most = (group) => Math.max(...found.map((match) => Number(match[group])));
    return { script99: most(1), longest: most(2) };
  }

  close() {
    this.client.disconnect();
  }
}

/** What sends a script. All else that is counted then ran inside of one. */
const SCRIPTED = ['eval', 'evalsha', 'fcall'];
/** This reading's own. */
const OURS = ['info'];

/**
 * What happened between two readings.
 *
 * Redis counts the commands inside scripts with those that clients send. Every contender here sends either scripts or
 * plain commands, so what was sent can still be told: the scripts where there are any, everything where there are none.
 */
export function difference(before, after) {
  const calls = Object.entries(after.calls)
    .map(([name, count]) => [name, count - (before.calls[name] ?? 0)])
    .filter(([name, count]) => count > 0 && !OURS.includes(name));
  const sum = (entries) => entries.reduce((total, [, count]) => total + count, 0);
  const scripted = calls.filter(([name]) => SCRIPTED.includes(name) || name.startsWith('script|'));
  return {
    microseconds: (after.seconds - before.seconds) * 1e6,
    sent: sum(scripted.length > 0 ? scripted : calls),
    executed: sum(calls),
  };
}
