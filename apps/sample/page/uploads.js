import { ask, visitor } from './api.js';
import { showAnswer } from './answers.js';
import { copyOf, find, one, onPress } from './dom.js';
import { watchHolds } from './holds.js';

const SLOTS = 2;
/** About three seconds of upload. */
const FILE = new Uint8Array(300_000);

/** The panel of uploads: slots that are taken and freed, and the upload that finds none. */
export function startUploads() {
  const told = one('#uploads-told', HTMLElement);
  const rows = Array.from({ length: SLOTS }, () => copyOf('#slot-template'));
  one('#slots', HTMLElement).append(...rows);
  /** Of the uploads that run. */
  let stop = new AbortController();
  let running = 0;
  let tally = { stored: 0, denied: 0, cancelled: 0 };
  let wait = '';

  const during = watchHolds('uploads', ({ holds }) => show(holds));
  show([]);
  onPress('[data-uploads]', (button) => void start(Number(button.dataset.uploads)));
  onPress('#cancel-uploads', () => {
    stop.abort();
    stop = new AbortController();
  });

  /** @param {number} count */
  async function start(count) {
    if (running === 0) tally = { stored: 0, denied: 0, cancelled: 0 };
    await Promise.all(Array.from({ length: count }, upload));
  }

  async function upload() {
    const { signal } = stop;
    running++;
    const { answer } = await during(
      ask('POST', 'api/upload', { body: FILE, headers: { 'x-tenant-id': visitor }, signal }),
    );
    running--;
    if (signal.aborted) tally.cancelled++;
    else {
      showAnswer('upload', answer);
      if (answer.status === 429) tally.denied++;
      if (answer.status === 200) tally.stored++;
      wait = answer.field('retry-after') ?? wait;
    }
    told.textContent =
      signal.aborted || answer.status === 200 || answer.status === 429
        ? sentence()
        : String(answer.body?.message ?? 'No answer.');
  }

  function sentence() {
    const parts = [
      running > 0 && `${running} running`,
      tally.stored > 0 && `${tally.stored} stored`,
      tally.denied > 0 && `${tally.denied} denied (try again in ${wait} s)`,
      tally.cancelled > 0 && `${tally.cancelled} cancelled`,
    ];
    return `${parts.filter(Boolean).join(', ')}.`;
  }

  /** @param {import('./holds.js').Hold[] | null} holds */
  function show(holds) {
    for (const [i, row] of rows.entries()) {
      const hold = holds?.[i];
      row.dataset.state = hold ? 'taken' : 'free';
      const text = `Slot ${i + 1}: ${holds === null ? 'unknown while Redis is away' : use(hold)}`;
      const shown = find(row, '.text', HTMLElement);
      if (shown.textContent !== text) shown.textContent = text;
    }
  }
}

/** @param {import('./holds.js').Hold | undefined} hold */
const use = (hold) => (hold ? `in use, leased for ${Math.max(0, Math.round(hold.expiresIn / 1_000))} s more` : 'free');
