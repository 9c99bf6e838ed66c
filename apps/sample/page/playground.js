import { ALGORITHMS } from './algorithms.js';
import { ask } from './api.js';
import { clearAnswers, showAnswer } from './answers.js';
import { one, onPress } from './dom.js';
import { Lane } from './lane.js';
import { numbersForm } from './numbers.js';
import { PRESETS } from './presets.js';

/** @typedef {import('./api.js').Answer} Answer */

const MOST_LANES = 4;
/** How often the quotas are looked at while something happens to them, in ms. */
const LOOK_EVERY = 200;
const FIRST_ALGORITHM = ALGORITHMS[0]?.name ?? '';
const CLIENTS = ['alice', 'bob', 'carol', 'dave'];

/** The lanes side by side, what is sent to them, and a look at what is left of them. */
export function startPlayground() {
  const within = one('#lanes', HTMLElement);
  const watched = one('#watched', HTMLElement);
  const rate = one('#rate', HTMLInputElement);
  const streamButton = one('#stream', HTMLButtonElement);
  const addButton = one('#add-lane', HTMLButtonElement);
  const blockButtons = [one('#block', HTMLButtonElement), one('#unblock', HTMLButtonElement)];
  const form = numbersForm(() => (endScene(), settle(), void changed()));
  /** @type {Lane[]} */
  let lanes = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let stream;
  /** @type {ReturnType<typeof setTimeout>[]} */
  let scene = [];
  /** @type {Promise<void> | undefined} */
  let looking;
  /** Counts what makes an answer that is under way one to an old question. */
  let changes = 0;
  let lookAgain = 0;

  /**
   * @param {string} algorithm
   * @param {string} client
   */
  function addLane(algorithm, client) {
    const lane = new Lane(
      { algorithm, client, within, numbers: form.current },
      {
        changed: () => (endScene(), settle(), changed()),
        removed: () => {
          lanes = lanes.filter((other) => other !== lane);
          endScene();
          settle();
          addButton.focus();
        },
      },
    );
    lanes.push(lane);
    settle();
  }

  function settle() {
    addButton.disabled = lanes.length >= MOST_LANES;
    form.takeBurst(lanes.some(({ takesBurst }) => takesBurst));
    const canBlock = form.current().blockFor !== undefined;
    for (const button of blockButtons) button.disabled = !canBlock;
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
    complain('look', answer);
    if (answer.status === 200) looked.forEach((lane, i) => lane.seen(answer.body[i], asked));
    // What is wrong stays wrong until something is changed, and who is gone is not to be pestered.
    lookAgain = performance.now() + (answer.status === 200 ? LOOK_EVERY : answer.status === 0 ? 2_000 : Infinity);
  }

  /** What went wrong last, by what was tried. @type {Record<'look' | 'send' | 'change', string>} */
  const wrong = { look: '', send: '', change: '' };

  /**
   * @param {keyof wrong} what
   * @param {Answer} answer
   */
  function complain(what, { status, body }) {
    wrong[what] = status === 0 || (status >= 400 && status !== 429) ? String(body?.message ?? `Status ${status}.`) : '';
    const text = wrong.change || wrong.send || wrong.look;
    const shown = one('#wrong', HTMLElement);
    if (shown.textContent !== text) shown.textContent = text;
    if (wrong.send !== '') setStream(0);
  }

  /**
   * @param {number} count
   * @param {readonly Lane[]} to
   */
  async function send(count, to = lanes) {
    const before = to.map(({ counts }) => counts.allowed);
    await Promise.all(to.flatMap((lane) => Array.from({ length: count }, () => sendOne(lane))));
    await changed();
    const told = to.map((lane, i) => {
      const blocked = lane.blockedFor > 0 ? `, blocked for ${Math.ceil(lane.blockedFor)} s` : '';
      return `${lane.name}: ${lane.counts.allowed - (before[i] ?? 0)} of ${count} allowed${blocked}`;
    });
    one('#announcement', HTMLElement).textContent = told.join('; ');
  }

  /** @param {Lane} lane */
  async function sendOne(lane) {
    const answer = await lane.send();
    complain('send', answer);
    if (answer.status === 200 || answer.status === 429) showAnswer(lane.name, answer);
  }

  /** @param {number} perSecond 0: none */
  function setStream(perSecond) {
    clearInterval(stream);
    stream =
      perSecond > 0 ? setInterval(() => lanes.forEach((lane) => void sendOne(lane)), 1_000 / perSecond) : undefined;
    streamButton.setAttribute('aria-pressed', String(perSecond > 0));
    streamButton.textContent = perSecond > 0 ? 'Stop' : 'Start';
  }

  function showRate() {
    one('#rate-text', HTMLOutputElement).value = `${rate.value} a second`;
    if (stream !== undefined) setStream(rate.valueAsNumber);
  }

  /** @param {'reset' | 'block' | 'unblock'} how */
  async function change(how) {
    complain('change', await ask('POST', `demo/${how}`, { body: lanes.map(({ demand }) => demand) }));
    await changed();
  }

  /** A scene ends when somebody does something else; what it said is true no more. */
  function endScene() {
    scene.forEach(clearTimeout);
    scene = [];
    showScene(undefined, '');
  }

  /**
   * @param {string | undefined} name the one that plays
   * @param {string} said
   */
  function showScene(name, said) {
    for (const button of document.querySelectorAll('[data-preset]')) {
      button.setAttribute('aria-pressed', String(button.getAttribute('data-preset') === name));
    }
    one('#preset-hint', HTMLElement).textContent = said;
  }

  /** @param {string} name */
  async function play(name) {
    const preset = PRESETS[name];
    if (!preset) return;
    endScene();
    setStream(0);
    form.fill(preset.numbers);
    for (const lane of lanes) lane.element.remove();
    lanes = [];
    for (const [algorithm, client] of preset.lanes) addLane(algorithm, client);
    clearAnswers();
    showScene(name, preset.steps[0]?.say ?? '');
    const { top } = watched.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) watched.scrollIntoView({ block: 'start' });
    await change('reset');
    scene = preset.steps.map((step, i) => {
      const isLast = i === preset.steps.length - 1;
      return setTimeout(() => {
        if (isLast) scene = [];
        showScene(isLast ? undefined : name, step.say);
        if (step.stream !== undefined) {
          if (step.stream > 0) rate.value = String(step.stream);
          setStream(step.stream);
          showRate();
        }
        const to = step.lane === undefined ? lanes : lanes.slice(step.lane, step.lane + 1);
        if (step.send !== undefined) void send(step.send, to);
      }, step.at * 1_000);
    });
  }

  onPress('[data-send]', (button) => (endScene(), void send(Number(button.dataset.send))));
  onPress('[data-preset]', (button) => void play(button.dataset.preset ?? ''));
  onPress('#stream', () => (endScene(), setStream(stream === undefined ? rate.valueAsNumber : 0)));
  onPress('#peek', () => void look());
  onPress('#reset', () => (endScene(), void change('reset')));
  onPress('#block', () => (endScene(), void change('block')));
  onPress('#unblock', () => (endScene(), void change('unblock')));
  onPress('#clear', () => {
    endScene();
    for (const lane of lanes) lane.clear();
    clearAnswers();
    void look();
  });
  onPress('#add-lane', () => {
    endScene();
    const name = CLIENTS.find((each) => lanes.every(({ client }) => client !== each)) ?? 'erin';
    addLane(lanes.at(-1)?.demand.policy.algorithm ?? FIRST_ALGORITHM, name);
    void look();
  });
  rate.addEventListener('input', showRate);

  addLane(FIRST_ALGORITHM, 'alice');
  void look();

  setInterval(() => {
    if (document.hidden) return;
    const isQuiet = stream === undefined && scene.length === 0 && lanes.every(({ isFull }) => isFull);
    if (isQuiet) return;
    if (performance.now() > lookAgain) void look();
    for (const lane of lanes) lane.draw();
  }, 50);
}
