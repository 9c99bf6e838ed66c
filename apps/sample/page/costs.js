import { ask, limitsIn, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { startChat } from './chat.js';
import { one } from './dom.js';
import { meterIn } from './meters.js';

const MOST = 1_000;
const PER_SECOND = MOST / 60;

/** The panel of costs: a request pays for what it asks for, or for what its answer used. */
export function startCosts() {
  const slider = one('#tokens', HTMLInputElement);
  const text = one('#tokens-text', HTMLOutputElement);
  const told = one('#costs-told', HTMLElement);
  const show = meterIn(one('#costs-meter', HTMLElement), 'tokens', MOST);
  /** @type {{ left: number, at: number } | undefined} */
  let known;
  show(undefined);

  slider.addEventListener('input', () => (text.value = slider.value));
  one('#generate', HTMLButtonElement).addEventListener('click', () => void generate(Number(slider.value)));
  startChat({ most: MOST, seen });
  // What flows back meanwhile, as the policy says.
  setInterval(() => {
    if (!known) return;
    const left = Math.min(MOST, Math.floor(known.left + ((performance.now() - known.at) / 1_000) * PER_SECOND));
    show(left);
    if (left === MOST) known = undefined;
  }, 200);

  /** @param {number} left */
  function seen(left) {
    known = { left, at: performance.now() };
    show(left);
  }

  /** @param {number} tokens */
  async function generate(tokens) {
    const answer = await ask('POST', 'api/generate', { body: { tokens }, headers: { 'x-tenant-id': visitor } });
    showAnswer('generate', answer);
    const left = limitsIn(answer).get('tokens')?.left;
    if (left === undefined) {
      told.textContent = answer.body?.message ?? 'No answer.';
      return;
    }
    seen(left);
    told.textContent = sentence(tokens, left, answer);
  }
}

/**
 * @param {number} tokens
 * @param {number} left
 * @param {import('./api.js').Answer} answer
 */
function sentence(tokens, left, answer) {
  if (answer.status === 200) return `Allowed: ${tokens} tokens were charged, ${left} are left.`;
  const wait = answer.field('retry-after');
  return wait === null
    ? `Denied, without a Retry-After: a request of ${tokens} can never pass.`
    : `Denied, and nothing was charged: ${left} are left. A request of ${tokens} passes in ${wait} s.`;
}
