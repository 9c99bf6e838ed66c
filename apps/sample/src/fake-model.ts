import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** A piece of a streamed answer, as OpenAI's chat API sends it. The last one has no choices, but the usage. */
export interface ChatChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: { readonly content?: string };
    readonly finish_reason: 'stop' | 'length' | null;
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  } | null;
}

/** How long a token takes, in milliseconds. */
const PACE = 40;

const ANSWER =
  'Nobody knows what an answer costs before its last word. So this request reserved the most that it can use: its ' +
  'prompt and the longest answer. That is charged while these words arrive. Then the model reports what it used, and ' +
  'the rest comes back. A client that disconnects earlier gets nothing back.';

/** Here a token is a word. */
export const tokensOf = (text: string): number => wordsOf(text).length;

/** Stands for the client of a language model: always the same answer, word by word, cut off at the most tokens. */
export async function* fakeModel(prompt: string, mostTokens: number): AsyncGenerator<ChatChunk> {
  const chunk = { id: `chatcmpl-${randomUUID()}`, object: 'chat.completion.chunk', usage: null } as const;
  const words = wordsOf(ANSWER).slice(0, mostTokens);
  for (const word of words) {
    await sleep(PACE);
    yield { ...chunk, choices: [{ index: 0, delta: { content: `${word} ` }, finish_reason: null }] };
  }
  const reason = tokensOf(ANSWER) > mostTokens ? 'length' : 'stop';
  yield { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: reason }] };
  const [input, output] = [tokensOf(prompt), words.length];
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  yield { ...chunk, choices: [], usage };
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
