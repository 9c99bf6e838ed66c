/*
 * The frame in which commands travel to the script, and its reply: where everything stands, once for both sides.
 * TypeScript imports this table. scripts/bundle-lua.mjs writes its numbers into the script, whose sources say
 * `FRAME.policy.limit` and `OPCODE.hit`. The contract in words is at the top of lua/prelude.lua.
 *
 * KEYS are the keys of the commands, one command after the other. ARGV is the head, then each policy once, then the
 * runs. (A lone request mostly has a shorter form.) A run holds commands that are alike: its opcode, how many there are,
 * then what they have in common. What each has of its own, such as the id of a hold, follows in a single text: an argument
 * costs Redis half a microsecond.
 */

/** Lists of entries, each in its order. */
const LAYOUT = {
  /**
   * All of ARGV for a lone request of one unit on a fixed window. `bounds` only for a calendar window. The last three only
   * with an injected clock: then `bounds` is there too, or ''.
   */
  lone: ['notAfter', 'limit', 'window', 'bounds', 'now', 'life', 'form'],
  /** The start of any other ARGV. */
  head: ['notAfter', 'now'],
  /** A policy. `life`: how long its keys live at the most. Calendar windows: see lua/prelude.lua. */
  policy: ['algorithm', 'limit', 'window', 'burst', 'life'],
  /** The start of a run. */
  run: ['opcode', 'count'],
  /** A hit. `policy`: which one, counted from 1. In a `hitEach` run: of the first hit. */
  hit: ['policy', 'cost'],
  /** After each hit of a `judgeBlocking` or `judgeWhole` run: the rule of the policy's blocks, or ''. */
  blocking: ['rule'],
  /**
   * After that, in a `judgeWhole` and a `hold` run. `ttl`: how long the hit is held, in ms; '' if it is not; '-' if it only
   * considers what others hold. `keep`: how long the hold is kept. Then the TTL of its field and of the hash, and the policy's
   * debt. `grace`: 'record', the hit's patience in ms, or ''.
   */
  holding: ['ttl', 'keep', 'fieldLife', 'keyLife', 'debt', 'grace'],
  /** The start of `judge`, `judgeBlocking` and `judgeWhole`: how many hits each request has. The hits follow. */
  judge: ['hits'],
  /** The answer to a hit of a `hold` run: as in a `judgeWhole` run. */
  whole: ['remaining', 'resetAfter', 'retryAfter', 'aside'],
  /** The start of a `settle` run. */
  settle: ['policy', 'debt', 'rule'],
  /** The start of a `renew` run. */
  renew: ['policy', 'ttl', 'fieldLife', 'keyLife'],
  /** A block that code asks for. `span`: how long, in ms. */
  impose: ['policy', 'span', 'rule'],
  /** How many keys each command removes. */
  forget: ['keys'],

  /** The start of the reply: the server's clock in ms. */
  reply: ['server'],
  /** The answer to a hit. */
  decision: ['remaining', 'resetAfter', 'retryAfter'],
  /** After that, if the policy blocks: how long a block stands, or 0. Negative if this hit began the block. */
  block: ['blockedFor'],
  /** After that, to a hit of a `judgeWhole` run: 0, {@link GUESS}, or how long a hit charged ahead of time must wait. */
  aside: ['aside'],
  /**
   * The answer to all other commands: 1, or 0 where Redis refused or nothing was open. After a settlement that began a
   * block: how long the block lasts, as a negative number.
   */
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
 * What a run begins with. In a `hitEach` run each hit is under the policy after the last one's. `deadline` is not a command.
 * In place of a count it has a number of ms: the runs after it are too late that long before the head's `notAfter`.
 */
export const OPCODE = {
  deadline: 1,
  hit: 2,
  judge: 3,
  judgeBlocking: 4,
  impose: 5,
  forget: 6,
  readClock: 7,
  hitEach: 8,
  settle: 9,
  renew: 10,
  hold: 11,
  judgeWhole: 12,
} as const;

/**
 * The parts of the script (lua/*.lua) that a run needs. The last part's function runs it. The driver itself handles
 * single hits and deadlines.
 */
export const PARTS: Readonly<Partial<Record<keyof typeof OPCODE, readonly string[]>>> = {
  judge: ['judge'],
  judgeBlocking: ['blocks', 'judge'],
  judgeWhole: ['blocks', 'holds', 'held-units', 'beside-holds', 'claims', 'judge'],
  impose: ['blocks', 'impose'],
  forget: ['forget'],
  readClock: ['read-clock'],
  settle: ['blocks', 'holds', 'held-units', 'settle'],
  renew: ['holds', 'renew'],
  hold: ['holds', 'held-units', 'beside-holds', 'hold'],
};

/**
 * Replaces a command's numbers in the reply: it came after its deadline, or expected another calendar window, and did nothing.
 * The first number of any other command is not this one.
 */
export const LATE = -1;

/** Stands beside the answer to a hit whose wait is a guess. */
export const GUESS = -1;

/**
 * In milliseconds. Commands whose deadlines are this close together share the first one's deadline. A batch gathers
 * faster than this while Redis is well, so it has one deadline and may take the plain form. It is a tenth of the default
 * timeout: the most that a command loses of its time.
 */
export const DEADLINES_SHARED_WITHIN = 25;
