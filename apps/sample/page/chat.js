import { askForEvents, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { one } from './dom.js';
import { watchHolds } from './holds.js';

const PROMPT = 'What does an answer cost?';

/**
 * The chat: an answer reserves the most that it can use, and settles what it did use.
 *
 * @param {{ most: number, seen: (left: number) => void }} tokens of the tenant
 */
export function startChat({ most, seen }) {
  const slider = one('#most-tokens', HTMLInputElement);
  const text = one('#most-tokens-text', HTMLOutputElement);
  const button = one('#chat', HTMLButtonElement);
  const told = one('#chat-told', HTMLElement);
  const shown = one('#chat-text', HTMLElement);
  /** @type {AbortController | undefined} */
  let asking;
  let reserved = 0;
  let left = most;

  const during = watchHolds('tokens', ({ remaining, holds }) => {
    seen((left = remaining));
    const [hold] = holds ?? [];
    if (!asking || !hold || reserved > 0) return;
    reserved = hold.cost;
    told.textContent = `Reserved ${reserved} tokens: ${left} are left.`;
  });

  slider.addEventListener('input', () => (text.value = slider.value));
  button.addEventListener('click', () => (asking ? asking.abort() : void chat(Number(slider.value))));

  /** @param {number} mostTokens */
  async function chat(mostTokens) {
    asking = new AbortController();
    const { signal } = asking;
    button.textContent = 'Disconnect';
    told.textContent = 'Asked.';
    shown.textContent = '';
    reserved = 0;
    let used = 0;
    const body = { prompt: PROMPT, max_tokens: mostTokens };
    const with_ = { body, headers: { 'x-tenant-id': visitor }, signal };
    const { answer, settled } = await during(
      askForEvents('POST', 'api/chat', with_, ({ choices, usage }) => {
        shown.append(choices[0]?.delta.content ?? '');
        if (usage !== null) used = usage.total_tokens;
      }),
    );
    if (!signal.aborted) showAnswer('chat', answer);
    await settled;
    asking = undefined;
    button.textContent = 'Ask';
    told.textContent = signal.aborted ? disconnected() : sentence(answer, used);
  }

  const disconnected = () =>
    `Disconnected: what was reserved${reserved > 0 ? `, ${reserved} tokens,` : ''} stays charged. ${left} are left.`;

  /**
   * @param {import('./api.js').Answer} answer
   * @param {number} used
   */
  function sentence({ status, field, body }, used) {
    if (status === 200 && reserved === 0) return `Used ${used} tokens: ${left} are left.`;
    if (status === 200)
      return `Used ${used} of ${reserved} reserved tokens, ${reserved - used} came back: ${left} are left.`;
    if (status !== 429) return String(body?.message ?? 'No answer.');
    const wait = field('retry-after');
    return wait === null
      ? 'Denied, without a Retry-After: this many can never be reserved.'
      : `Denied, and nothing was reserved: ${left} are left. The same request passes in ${wait} s.`;
  }
}
