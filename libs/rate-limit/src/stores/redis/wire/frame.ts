/*
 * The frame in which commands travel to the script, and its reply: what stands where, once for both sides. TypeScript
 * imports these numbers; scripts/bundle-lua.mjs writes them into the script, whose sources say `FRAME.policy.limit` and
 * `OPCODE.hit`. The contract in words is at the top of lua/prelude.lua.
 *
 * KEYS are those of the commands, one command after the other. ARGV is the head, then the policies, each once, then the
 * runs. A run is of commands that are alike: its opcode, how many there are, then what they have in common.
 */

/** Lists of entries, each in its order. */
const LAYOUT = {
  /** The begin of ARGV. */
  head: ['notAfter', 'now'],
  /** A policy: how long its keys live at the most comes last. */
  policy: ['algorithm', 'limit', 'window', 'burst', 'life'],
  /** The begin of a run. */
  run: ['opcode', 'count'],
  /** A hit: which policy, counted from 1, and the cost. */
  hit: ['policy', 'cost'],
  /** Behind a hit, in runs of requests under policies that block: the block's rule, or ''. */
  blocking: ['rule'],
  /** Behind the begin of a run of requests: how many hits each has. Then come the hits. */
  judge: ['hits'],
  /** A block by hand: of which policy, for how long, by which rule. */
  impose: ['policy', 'span', 'rule'],
  /** How many keys each command removes. */
  forget: ['keys'],

  /** The begin of the reply: the server's clock in ms. */
  reply: ['server'],
  /** What a hit is answered. */
  decision: ['remaining', 'resetAfter', 'retryAfter'],
  /** Behind that, if its policy blocks: how long a block stands, or 0. */
  block: ['blockedFor'],
  /** What any other command is answered: 1, or 0 where Redis refused. */
  done: ['done'],
} as const;

type Layout = typeof LAYOUT;
export type List = keyof Layout;

/** The values of one list of entries, in its order. */
export type Values<Name extends List> = Valued<Layout[Name]>;
type Valued<Names extends readonly string[]> = { readonly [Place in keyof Names]: string | number };

type Places<Names extends readonly string[]> = Readonly<Record<Names[number] | 'LENGTH', number>>;

/** Where an entry stands behind the first one of its list, and how many a list has. */
export const FRAME = Object.fromEntries(
  Object.entries(LAYOUT).map(([list, names]) => [
    list,
    Object.fromEntries([...names.map((name, place): [string, number] => [name, place]), ['LENGTH', names.length]]),
  ]),
) as { readonly [Name in List]: Places<Layout[Name]> };

/** The names of a list's entries, in their order. */
export const entryNames = <Name extends List>(list: Name): readonly Layout[Name][number][] => LAYOUT[list];

/**
 * What a run begins with. `deadline` is no command: the runs behind it are up to so many ms less than the head's
 * `notAfter`, in place of a count.
 */
export const OPCODE = { deadline: 1, hit: 2, judge: 3, judgeBlocking: 4, impose: 5, forget: 6, readClock: 7 } as const;

/**
 * Which parts of the script (lua/*.lua) a run needs; the last one's function runs it. Single hits and deadlines are the
 * driver's own.
 */
export const PARTS: Readonly<Partial<Record<keyof typeof OPCODE, readonly string[]>>> = {
  judge: ['judge'],
  judgeBlocking: ['blocks', 'judge'],
  impose: ['blocks', 'impose'],
  forget: ['forget'],
  readClock: ['read-clock'],
};

/** In place of a command's numbers in the reply: its run came too late, and nothing was done. No command answers so. */
export const LATE = -1;

/**
 * In milliseconds. Commands whose deadlines lie so close together share the soonest of them. It is more than a batch
 * takes to gather while Redis is well, so that such a batch has one deadline; and a tenth of the default timeout, so
 * that nobody loses much of the time he gave.
 */
export const DEADLINES_SHARED_WITHIN = 25;
