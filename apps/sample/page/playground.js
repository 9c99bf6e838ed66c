import { ask } from './api.js';
import { clearAnswers, showAnswer } from './answers.js';
import { one, onPress } from './dom.js';
import { Lane } from './lane.js';
import { PRESETS } from './presets.js';

/** @typedef {import('./api.js').Answer} Answer */

const MOST_LANES = 4;
/** How often the quotas are looked at while something happens to them, in ms. */
const LOOK_EVERY = 200;
const CLIENTS = ['alice', 'bob', 'carol', 'dave'];

/** The lanes side by side, what is sent to them, and a look at what is left of them. */
export function startPlayground() {
  const form = one('#policy', HTMLFormElement);
  const wrong = one('#policy-error', HTMLElement);
  const within = one('#lanes', HTMLElement);
  const rate = one('#rate', HTMLInputElement);
  const streamButton = one('#stream', HTMLButtonElement);
  const addButton = one('#add-lane', HTMLButtonElement);
  /** @type {Lane[]} */
  let lanes = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let stream;
  /** @type {ReturnType<typeof setTimeout>[]} */
  let scene = [];
  let isLooking = false;
  let lookAgain = 0;

  /** @param {string} name */
  const input = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  // What is no number is sent as null: the server says what is wrong with it.
  const numbers = () => ({
    limit: input('limit').valueAsNumber,
    window: Math.round(input('window').valueAsNumber * 1_000),
    burst: input('burst').value === '' && input('burst').validity.valid ? undefined : input('burst').valueAsNumber,
    cost: input('cost').valueAsNumber,
  });

  /**
   * @param {string} algorithm
   * @param {string} client
   */
  function addLane(algorithm, client) {
    const lane = new Lane(
      { algorithm, client, within, numbers },
      {
        changed: () => void look(),
        removed: () => {
          lanes = lanes.filter((other) => other !== lane);
          addButton.disabled = false;
          addButton.focus();
        },
      },
    );
    lanes.push(lane);
    addButton.disabled = lanes.length >= MOST_LANES;
  }

  /** What is left of every lane's quota. Spends nothing. */
  async function look() {
    if (isLooking) return;
    isLooking = true;
    const asked = [...lanes];
    const answer = await ask('POST', 'demo/peek', { body: asked.map(({ demand }) => demand) });
    isLooking = false;
    complain(answer);
    if (answer.status === 200) asked.forEach((lane, i) => lane.seen(answer.body[i]));
    // What is wrong stays wrong until something is changed, and who is gone is not to be pestered.
    lookAgain = performance.now() + (answer.status === 200 ? LOOK_EVERY : answer.status === 0 ? 2_000 : Infinity);
  }

  /** @param {Answer} answer */
  function complain({ status, body }) {
    const text = status === 0 || status >= 400 ? String(body?.message ?? '') : '';
    if (status === 429) return;
    if (wrong.textContent !== text) wrong.textContent = text;
    if (text !== '') setStream(0);
  }

  /**
   * @param {number} count
   * @param {readonly Lane[]} to
   */
  async function send(count, to = lanes) {
    const before = to.map(({ counts }) => ({ ...counts }));
    await Promise.all(to.flatMap((lane) => Array.from({ length: count }, () => sendOne(lane))));
    await look();
    const told = to.map((lane, i) => {
      const allowed = lane.counts.allowed - (before[i]?.allowed ?? 0);
      return `${lane.name}: ${allowed} of ${count} allowed`;
    });
    one('#announcement', HTMLElement).textContent = told.join('; ');
  }

  /** @param {Lane} lane */
  async function sendOne(lane) {
    const answer = await lane.send();
    if (answer.status === 200 || answer.status === 429) showAnswer(lane.name, answer);
    else complain(answer);
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

  async function reset() {
    complain(await ask('POST', 'demo/reset', { body: lanes.map(({ demand }) => demand) }));
    await look();
  }

  /** @param {string} text */
  const say = (text) => (one('#preset-hint', HTMLElement).textContent = text);

  /** A scene ends when somebody does something else. */
  function endScene() {
    say('');
    scene.forEach(clearTimeout);
    scene = [];
  }

  /** @param {string} name */
  async function play(name) {
    const preset = PRESETS[name];
    if (!preset) return;
    endScene();
    setStream(0);
    for (const [field, value] of Object.entries(preset.numbers)) input(field).value = String(value);
    for (const lane of lanes) lane.element.remove();
    lanes = [];
    for (const [algorithm, client] of preset.lanes) addLane(algorithm, client);
    clearAnswers();
    await reset();
    scene = preset.steps.map((step, i) =>
      setTimeout(() => {
        if (i === preset.steps.length - 1) scene = [];
        if (step.say !== undefined) say(step.say);
        if (step.stream !== undefined) {
          rate.value = String(step.stream || rate.value);
          setStream(step.stream);
          showRate();
        }
        if (step.send !== undefined)
          void send(step.send, step.lane === undefined ? lanes : lanes.slice(step.lane, step.lane + 1));
      }, step.at * 1_000),
    );
  }

  onPress('[data-send]', (button) => (endScene(), void send(Number(button.dataset.send))));
  onPress('[data-preset]', (button) => void play(button.dataset.preset ?? ''));
  onPress('#stream', () => (endScene(), setStream(stream === undefined ? rate.valueAsNumber : 0)));
  onPress('#peek', () => void look());
  onPress('#reset', () => (endScene(), void reset()));
  onPress('#clear', () => {
    for (const lane of lanes) lane.clear();
    clearAnswers();
    void look();
  });
  onPress('#add-lane', () => {
    const last = lanes.at(-1)?.demand;
    addLane(
      last?.policy.algorithm ?? 'fixed-window',
      CLIENTS.find((name) => lanes.every(({ client }) => client !== name)) ?? 'erin',
    );
    void look();
  });
  rate.addEventListener('input', showRate);
  form.addEventListener('input', () => void look());
  form.addEventListener('submit', (event) => event.preventDefault());

  addLane('fixed-window', 'alice');
  void look();

  setInterval(() => {
    if (document.hidden) return;
    const isQuiet = stream === undefined && scene.length === 0 && lanes.every(({ isFull }) => isFull);
    if (isQuiet) return;
    if (performance.now() > lookAgain) void look();
    for (const lane of lanes) lane.draw();
  }, 50);
}
