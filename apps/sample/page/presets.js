/**
 * A scene: numbers, lanes, and what happens when. `lane` is the one that sends; left out: all of them.
 *
 * @typedef {object} Step
 * @property {number} at seconds after the beginning
 * @property {string} [say]
 * @property {number} [send]
 * @property {number} [lane]
 * @property {number} [stream] requests a second; 0 ends it
 *
 * @typedef {object} Preset
 * @property {{ limit: number, window: number, burst: string, cost: number }} numbers the window in seconds
 * @property {[algorithm: string, client: string][]} lanes
 * @property {Step[]} steps
 */

const TEN = { limit: 10, window: 10, burst: '', cost: 1 };

/** @type {Record<string, Preset>} */
export const PRESETS = {
  ten: {
    numbers: TEN,
    lanes: [['fixed-window', 'alice']],
    steps: [{ at: 0, say: 'Ten requests in ten seconds, for each client. Send 15: ten pass, five are denied.' }],
  },
  boundary: {
    numbers: TEN,
    lanes: [
      ['fixed-window', 'alice'],
      ['sliding-window', 'alice'],
    ],
    steps: [
      { at: 0, send: 1, say: 'One request begins the window. Nine more come just before it ends, in nine seconds …' },
      { at: 9, send: 9, say: 'Nine at the end of the window, and ten just behind it …' },
      {
        at: 10.3,
        send: 10,
        say: 'Nineteen in little more than a second passed the fixed window. The sliding window still counts the last ten.',
      },
    ],
  },
  refill: {
    numbers: TEN,
    lanes: [['token-bucket', 'alice']],
    steps: [
      { at: 0, send: 10, say: 'A burst empties the bucket. A token flows back every second …' },
      { at: 4.5, send: 6, say: 'Four were back: four of six passed …' },
      { at: 9, send: 2, say: 'Whoever takes less than flows back never meets the limit.' },
    ],
  },
  pacing: {
    numbers: TEN,
    lanes: [
      ['token-bucket', 'alice'],
      ['gcra', 'alice'],
    ],
    steps: [
      {
        at: 0,
        stream: 4,
        say: 'Four a second, where one a second is allowed. The bucket gives its burst away first …',
      },
      {
        at: 12,
        stream: 0,
        say: 'GCRA let one through every second from the beginning; the bucket does so when it is empty.',
      },
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
      { at: 1.5, send: 5, lane: 1, say: 'Bob does not notice: each client has a quota of its own.' },
    ],
  },
};
