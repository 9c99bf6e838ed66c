import { ALGORITHMS } from './algorithms.js';
import { ask } from './api.js';
import { clearAnswers, showAnswer } from './answers.js';
import { complaints } from './complaints.js';
import { one, onPress } from './dom.js';
import { onFirstView } from './intro.js';
import { Lane } from './lane.js';
import { numbersForm } from './numbers.js';
import { INTRO, PRESETS } from './presets.js';
import { scenePlayer } from './scenes.js';
import { streamOf } from './stream.js';

/** @typedef {import('./presets.js').Preset} Preset */

const MOST_LANES = 4;
/** How often the quotas are looked at while something happens to them, in ms. */
const LOOK_EVERY = 200;
const FIRST_ALGORITHM = ALGORITHMS[0]?.name ?? '';
const CLIENTS = ['alice', 'bob', 'carol', 'dave'];

/** The lanes side by side, what is sent to them, and a look at what is left of them. */
export function startPlayground() {
  const within = { lanes: one('#lanes', HTMLElement), fields: one('#lane-fields', HTMLElement) };
  const watched = one('#watched', HTMLElement);
  const addButton = one('#add-lane', HTMLButtonElement);
  const blockButtons = [one('#block', HTMLButtonElement), one('#unblock', HTMLButtonElement)];
  const form = numbersForm(() => (takeOver(), settle(), void changed()));
  const wrong = complaints();
  const stream = streamOf(() => void send(1));
  const scenes = scenePlayer((step) => {
    if (step.stream !== undefined) {
      if (step.stream > 0) stream.start(step.stream);
      else stream.stop();
    }
    const to = step.lane === undefined ? lanes : lanes.slice(step.lane, step.lane + 1);
    if (step.send !== undefined) void sendAndTell(step.send, to);
  });
  /** @type {Lane[]} */
  let lanes = [];
  let isIntro = false;
  /** @type {Promise<void> | undefined} */
  let looking;
  /** Counts what makes an answer that is under way one to an old question. */
  let changes = 0;
  let lookAgain = 0;
  /** Counts what ends a scene that has not begun yet. */
  let takeovers = 0;

  /**
   * @param {string} algorithm
   * @param {string} client
   */
  function addLane(algorithm, client) {
    const lane = new Lane({ algorithm, client, numbers: form.current }, within, {
      changed: () => (takeOver(), settle(), void changed()),
      removed: () => {
        lanes = lanes.filter((other) => other !== lane);
        takeOver();
        settle();
        addButton.focus();
      },
    });
    lanes.push(lane);
    settle();
  }

  function settle() {
    addButton.disabled = lanes.length >= MOST_LANES;
    form.takeBurst(lanes.some(({ takesBurst }) => takesBurst));
    const canBlock = form.current().blockFor !== undefined;
    for (const button of blockButtons) button.disabled = !canBlock;
    for (const lane of lanes) lane.showSettings();
  }

  /** The visitor does something: scenes end, and the first time the intro makes room with a quota that is full. */
  function takeOver() {
    takeovers++;
    scenes.end();
    if (!isIntro) return;
    isIntro = false;
    stream.stop();
    for (const lane of lanes.filter(({ fields }) => fields.client === INTRO.lanes[0]?.[1])) {
      lane.fields.client = CLIENTS[0] ?? '';
      lane.clear();
    }
    clearAnswers();
    void changed();
  }

  function changed() {
    changes++;
    return look();
  }

  /** What is left of every lane's quota. Spends nothing. */
  const look = () => (looking ??= lookOnce().finally(() => (looking = undefined)));

  /** @returns {Promise<void>} */
  async function lookOnce() {
    const asked = performance.now();
    const askedAt = changes;
    const looked = [...lanes];
    const answer = await ask('POST', 'demo/peek', { body: looked.map(({ demand }) => demand) });
    if (askedAt !== changes) return lookOnce();
    wrong.take('look', answer);
    if (answer.status === 200) looked.forEach((lane, i) => lane.seen(answer.body[i], asked));
    // What is wrong stays wrong until something is changed. An application that is gone is asked less often.
    lookAgain = performance.now() + (answer.status === 200 ? LOOK_EVERY : answer.status === 0 ? 2_000 : Infinity);
  }

  /**
   * @param {number} count
   * @param {readonly Lane[]} to
   * @returns {Promise<{ lane: Lane, allowed: number, denied: number }[]>}
   */
  async function send(count, to = lanes) {
    return Promise.all(
      to.map(async (lane) => {
        const statuses = await Promise.all(Array.from({ length: count }, () => sendOne(lane)));
        const among = (/** @type {number} */ wanted) => statuses.filter((status) => status === wanted).length;
        const outcome = { allowed: among(200), denied: among(429) };
        lane.showVerdict(outcome);
        return { lane, ...outcome };
      }),
    );
  }

  /**
   * @param {number} count
   * @param {readonly Lane[]} to
   */
  async function sendAndTell(count, to = lanes) {
    const outcomes = await send(count, to);
    await changed();
    const told = outcomes.map(({ lane, allowed }) => {
      const blocked = lane.blockedFor > 0 ? `, blocked for ${Math.ceil(lane.blockedFor)} s` : '';
      return `${lane.name}: ${allowed} of ${count} allowed${blocked}`;
    });
    one('#announcement', HTMLElement).textContent = told.join('; ');
  }

  /** @param {Lane} lane */
  async function sendOne(lane) {
    const answer = await lane.send();
    if (wrong.take('send', answer)) stream.stop();
    if (answer.status === 200 || answer.status === 429) showAnswer(lane.name, answer);
    return answer.status;
  }

  /** @param {'reset' | 'block' | 'unblock'} how */
  async function change(how) {
    wrong.take('change', await ask('POST', `demo/${how}`, { body: lanes.map(({ demand }) => demand) }));
    await changed();
  }

  /**
   * @param {string} name
   * @param {Preset} preset
   */
  async function play(name, preset) {
    const { numbers, lanes: wanted, steps } = preset;
    takeOver();
    const mine = takeovers;
    isIntro = preset === INTRO;
    stream.stop();
    form.fill(numbers);
    for (const lane of lanes) lane.remove();
    lanes = [];
    for (const [algorithm, client] of wanted) addLane(algorithm, client);
    clearAnswers();
    scenes.show(name, steps[0]?.say ?? '');
    await change('reset');
    if (mine === takeovers) scenes.play(name, steps);
  }

  function showWatched() {
    const { top } = watched.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) watched.scrollIntoView({ block: 'start' });
  }

  /**
   * @param {string} selector
   * @param {(button: HTMLButtonElement) => unknown} act
   */
  const onAct = (selector, act) => onPress(selector, (button) => (takeOver(), void act(button)));

  onPress('[data-preset]', ({ dataset }) => {
    const preset = PRESETS[dataset.preset ?? ''];
    if (!preset) return;
    void play(dataset.preset ?? '', preset);
    showWatched();
  });
  onPress('#stream', () => {
    // What is stopped stays to be looked at.
    if (stream.isOn) return (scenes.end(), stream.stop());
    takeOver();
    stream.start();
  });
  onPress('#peek', () => void look());
  onAct('[data-send]', ({ dataset }) => sendAndTell(Number(dataset.send)));
  onAct('#reset', () => change('reset'));
  onAct('#block', () => change('block'));
  onAct('#unblock', () => change('unblock'));
  onAct('#clear', () => {
    for (const lane of lanes) lane.clear();
    clearAnswers();
    return look();
  });
  onAct('#add-lane', () => {
    const isTaken = (/** @type {string} */ name) => lanes.some(({ fields }) => fields.client === name);
    addLane(lanes.at(-1)?.fields.algorithm ?? FIRST_ALGORITHM, CLIENTS.find((name) => !isTaken(name)) ?? 'erin');
    return look();
  });

  addLane(FIRST_ALGORITHM, CLIENTS[0] ?? '');
  scenes.end();
  void look();
  onFirstView(() => {
    if (takeovers === 0) void play('intro', INTRO);
  });

  setInterval(() => {
    if (document.hidden) return;
    const isQuiet = !stream.isOn && !scenes.isPlaying && lanes.every(({ isFull }) => isFull);
    if (isQuiet) return;
    if (performance.now() > lookAgain) void look();
    for (const lane of lanes) lane.draw();
  }, 50);
}
