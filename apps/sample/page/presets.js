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

/** @type {Record<string, Preset>} */
export const PRESETS = {
  ten: {
    numbers: TEN,
    lanes: [['fixed-window', 'alice']],
    steps: [
      { at: 0, send: 15, say: '15 requests, where ten in ten seconds are allowed …' },
      { at: 1, say: 'Ten passed, five were denied. When the window ends, all of it is back.' },
    ],
  },
  boundary: {
    numbers: TEN,
    lanes: [
      ['fixed-window', 'alice'],
      ['sliding-window', 'alice'],
      ['sliding-log', 'alice'],
    ],
    steps: [
      { at: 0, send: 1, say: 'One request begins the window. In nine seconds, just before it ends, nine more …' },
      { at: 9, send: 9, say: 'Nine at the end of the window, and ten right behind it …' },
      {
        at: 10.3,
        send: 10,
        say: 'The fixed window let 19 pass in little more than a second: it began anew. The other two still remember.',
      },
    ],
  },
  refill: {
    numbers: TEN,
    lanes: [['token-bucket', 'alice']],
    steps: [
      { at: 0, send: 10, say: 'A burst empties the bucket. One token flows back every second …' },
      { at: 4.5, send: 6, say: 'Four were back, so four of six passed …' },
      { at: 9, send: 2, say: 'Whoever takes less than flows back is never denied.' },
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
        say: 'GCRA let one through each second from the beginning. The bucket did so only when it was empty.',
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
  blocked: {
    numbers: { limit: 5, window: 3, burst: '', cost: 1, block: '6, 12' },
    lanes: [['fixed-window', 'alice']],
    steps: [
      {
        at: 0,
        send: 7,
        say: 'Seven, where five in three seconds are allowed. Going over begins a block of six seconds …',
      },
      {
        at: 4,
        send: 3,
        say: 'The window has ended and the quota is back. The block stands, and nobody prolongs it by asking …',
      },
      { at: 7, send: 6, say: 'It is over, so five passed. Who goes over again is blocked for longer: twelve seconds.' },
      { at: 20, send: 2, say: 'Over again. Unblock would have ended it at once.' },
    ],
  },
};
