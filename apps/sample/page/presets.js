/**
 * A scene: numbers, lanes, and what happens when. `lane` is the one that sends; left out: all of them.
 *
 * @typedef {object} Step
 * @property {number} at seconds after the beginning
 * @property {string} say
 * @property {number} [send]
 * @property {number} [lane]
 * @property {number} [stream] requests a second; 0 ends it
 *
 * @typedef {object} Preset
 * @property {{ limit: number, window: number, burst: string, cost: number, block: string }} numbers spans in seconds
 * @property {[algorithm: string, client: string][]} lanes
 * @property {Step[]} steps
 */

const TEN = { limit: 10, window: 10, burst: '', cost: 1, block: '' };

/** What the page shows by itself. Its client is nobody else, so that visitors start with a full quota. @type {Preset} */
export const INTRO = {
  numbers: TEN,
  lanes: [['fixed-window', 'guest']],
  steps: [
    { at: 0, stream: 3, say: 'Three requests a second, where ten in ten seconds are allowed …' },
    { at: 3.7, say: 'The quota is used up: requests are denied until the window ends …' },
    { at: 10.6, say: 'A new window: all ten are back. Send some yourself, or change the limit.' },
    { at: 12.5, stream: 0, say: 'A new window: all ten are back. Send some yourself, or change the limit.' },
  ],
};

/** @type {Record<string, Preset>} */
export const PRESETS = {
  ten: {
    numbers: TEN,
    lanes: [['fixed-window', 'alice']],
    steps: [
      { at: 0, send: 15, say: '15 requests, where ten in ten seconds are allowed …' },
      { at: 1, say: 'Ten passed, five were denied. When the window ends, all ten are back.' },
    ],
  },
  boundary: {
    numbers: TEN,
    lanes: [
      ['fixed-window', 'alice'],
      ['sliding-window', 'alice'],
    ],
    steps: [
      { at: 0, send: 1, say: 'One request starts the window. Just before it ends, nine more follow …' },
      { at: 9, send: 9, say: 'Nine at the end of the window, and ten right after it …' },
      { at: 10.3, send: 10, say: 'The fixed window let 19 pass in 1.3 seconds. The sliding window did not.' },
    ],
  },
  refill: {
    numbers: TEN,
    lanes: [['token-bucket', 'alice']],
    steps: [
      { at: 0, send: 10, say: 'A burst empties the bucket. One token comes back every second …' },
      { at: 4.5, send: 6, say: 'Four tokens were back, so four of six passed …' },
      { at: 9, send: 2, say: 'A caller that takes less than comes back is never denied.' },
    ],
  },
  pacing: {
    numbers: TEN,
    lanes: [
      ['token-bucket', 'alice'],
      ['gcra', 'alice'],
    ],
    steps: [
      { at: 0, stream: 4, say: 'Four a second, where one is allowed. The bucket spends its burst first …' },
      { at: 12, stream: 0, say: 'GCRA let one pass each second. The bucket did so once it was empty.' },
    ],
  },
  clients: {
    numbers: TEN,
    lanes: [
      ['fixed-window', 'alice'],
      ['fixed-window', 'bob'],
    ],
    steps: [
      { at: 0, send: 15, lane: 0, say: 'Alice sends too many …' },
      { at: 1.5, send: 5, lane: 1, say: 'Bob does not notice: each client has its own quota.' },
    ],
  },
  blocked: {
    numbers: { limit: 5, window: 3, burst: '', cost: 1, block: '6, 12' },
    lanes: [['fixed-window', 'alice']],
    steps: [
      { at: 0, send: 7, say: 'Seven, where five in 3 s are allowed. Going over starts a block of 6 s …' },
      { at: 4, send: 3, say: 'The quota is back, the block stands. Asking does not make it longer …' },
      { at: 7, send: 6, say: 'The block is over: five passed. The sixth starts a block of 12 seconds.' },
      { at: 20, send: 2, say: 'The second block is over. “Unblock” would have ended it at once.' },
    ],
  },
};
