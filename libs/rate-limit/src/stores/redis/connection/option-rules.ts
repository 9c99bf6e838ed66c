import { isIP } from 'node:net';

/**
 * What an option of ioredis must be. ioredis checks next to none of its options: a wrong one ends the process, is taken
 * for something else, or fails each connection. Many come from the environment, where everything is text.
 */
export interface Rule {
  readonly must: string;
  /** The value as ioredis needs it; `undefined` for one that is wrong. */
  read(value: unknown): unknown;
  /** Whether `null` says something; of other options it is the same as leaving them out. */
  readonly takesNull?: boolean;
}

/** The longest delay of Node's timers, in milliseconds. Longer ones fire at once. */
export const LONGEST_TIMER = 2_147_483_647;

export const whole = (least: number, most: number, takesNull = false): Rule => ({
  must: `a whole number from ${least} to ${most}`,
  read(value) {
    const number = typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? Number(value) : value;
    return Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most
      ? number
      : undefined;
  },
  takesNull,
});

export const span = whole(0, LONGEST_TIMER);
export const spanNotZero = whole(1, LONGEST_TIMER);
export const retries = whole(0, LONGEST_TIMER, true);

export const flag: Rule = {
  must: 'true or false',
  read: (value) => (typeof value === 'string' ? { true: true, false: false }[value.trim()] : is('boolean', value)),
};

export const callback: Rule = {
  must: 'a function, or null',
  read: (value) => (value === false ? null : is('function', value)),
  takesNull: true,
};

export const mapOrCallback: Rule = {
  must: 'an object or a function',
  read: (value) => is('object', value) ?? is('function', value),
};

export const text: Rule = { must: 'text', read: (value) => is('string', value) };

export const credential: Rule = {
  must: 'text',
  read: (value) => (typeof value === 'number' ? String(value) : Buffer.isBuffer(value) ? value : text.read(value)),
};

/** Not a url, not `host:port`, and nothing that a missing variable leaves behind. */
export const host: Rule = {
  must: "a name or an address alone, like 'redis.example'",
  read(value) {
    if (typeof value !== 'string' || isLeftover(value)) return undefined;
    const name = value.trim();
    return /^[\p{L}\p{N}_.-]+$/u.test(name) || isIP(name) ? name : undefined;
  },
};

/** Node.js ignores what is not PEM among authorities, such as a path, or a text whose line breaks are two characters. */
const isPem = (ca: unknown): boolean => typeof ca !== 'string' || /-----BEGIN [^-]+-----\s*\n/.test(ca);

export const tls: Rule = {
  must: "true, false, or an object of tls.connect()'s options, whose ca is the text of a PEM file with its line breaks",
  read: (value) => {
    const on = flag.read(value);
    if (on !== undefined) return on ? {} : false;
    const isProfile = typeof value === 'string' && value.startsWith('RedisCloud');
    if (isProfile) return value;
    return Array.isArray(value) || !isPem((value as { ca?: unknown } | null)?.ca) ? undefined : is('object', value);
  },
};

export const family: Rule = {
  must: '0, 4 or 6',
  read: (value) =>
    typeof value === 'string' || typeof value === 'number'
      ? ({ 0: 0, 4: 4, 6: 6, IPv4: 4, IPv6: 6 } as Record<string, number>)[String(value).trim()]
      : undefined,
};

export const monitor: Rule = {
  must: 'left out, because a connection that monitors runs no other commands',
  read: (value) => (flag.read(value) === false ? false : undefined),
};

export const sentinels: Rule = {
  must: "a list like [{ host: 'sentinel-1', port: 26379 }]",
  read: (value) => (Array.isArray(value) ? value : undefined),
};

export const socket: Rule = {
  must: "the path of a socket, like '/run/redis.sock'",
  read: (value) => (typeof value === 'string' && value !== '' && !value.includes('://') ? value : undefined),
};

/** The value if it is of this type. */
const is = (type: string, value: unknown): unknown => (typeof value === type ? value : undefined);

/** What a template or `Number()` makes of a variable that is not set. */
export const isLeftover = (value: unknown): boolean =>
  Number.isNaN(value) || (typeof value === 'string' && ['', 'undefined', 'null', 'NaN'].includes(value.trim()));
