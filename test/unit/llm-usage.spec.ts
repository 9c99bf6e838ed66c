import { usageOf } from '../../libs/rate-limit/src/engine/llm/usage-of.js';
import { UsageReader } from '../../libs/rate-limit/src/engine/llm/usage-reader.js';
import type { CallOutcome } from '../../libs/rate-limit/src/nest/ending/call-outcome.js';
import { llmUsage } from '../../libs/rate-limit/src/nest/ending/llm-usage.js';
import { callOutcome } from '../support/call-outcome.js';
import { AI_SDK_USAGE, chat, CHAT_USAGE, message, only, response, RESPONSES_USAGE, USAGE } from './llm-answers.js';

const COMPLETE = { usage: USAGE, isComplete: true };

const throwing = (): never => {
  throw new Error('thrown by a getter');
};
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const cycle: { usage?: unknown; message?: unknown; data?: unknown } = {};
cycle.usage = cycle.message = cycle.data = cycle;

describe('the usage of an answer', () => {
  it.each<[string, unknown]>([
    ['OpenAI chat', chat],
    ['OpenAI responses', response],
    ['Anthropic', message],
    ['the AI SDK', { text: 'Grüezi', usage: AI_SDK_USAGE }],
    ['the AI SDK, all steps', { usage: { inputTokens: 600, outputTokens: 20 }, totalUsage: AI_SDK_USAGE }],
    [
      'the AI SDK, version 5',
      { usage: { inputTokens: 1_200, outputTokens: 350, cachedInputTokens: 1_024, reasoningTokens: 200 } },
    ],
    [
      'a model of the AI SDK',
      {
        usage: {
          inputTokens: { total: 1_200, noCache: 176, cacheRead: 1_024, cacheWrite: undefined },
          outputTokens: { total: 350, text: 150, reasoning: 200 },
        },
      },
    ],
    ['a usage object', CHAT_USAGE],
    ['an envelope with the usage', { answer: 'Grüezi', usage: RESPONSES_USAGE }],
    ['an envelope with the message', { message }],
    ['an envelope with the response', { response }],
  ])('is the same for %s', (_, value) => expect(usageOf(value)).toEqual(USAGE));

  it.each<[string, unknown, Partial<typeof USAGE>]>([
    ['no output (an embedding)', { usage: { prompt_tokens: 8, total_tokens: 8 } }, { input: 8 }],
    ['only a total', { usage: { inputTokens: undefined, totalTokens: 30 } }, { input: 30 }],
    ['output and a total', { outputTokens: 10, totalTokens: 30 }, { input: 20, output: 10 }],
    [
      'reasoning beside the output',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 35,
        completion_tokens_details: { reasoning_tokens: 20 },
      },
      { input: 10, output: 25, reasoning: 20 },
    ],
    [
      'a written cache, beside the input',
      { input_tokens: 6, output_tokens: 4, cache_creation_input_tokens: 100, cache_read_input_tokens: 50 },
      { input: 156, cachedInput: 50, cacheWrite: 100, output: 4 },
    ],
    [
      'a written cache, inside the input',
      { input_tokens: 156, output_tokens: 4, input_tokens_details: { cached_tokens: 50, cache_write_tokens: 100 } },
      { input: 156, cachedInput: 50, cacheWrite: 100, output: 4 },
    ],
    [
      "Anthropic's fields in OpenAI's shape, inside the input",
      { prompt_tokens: 156, completion_tokens: 4, cache_creation_input_tokens: 100, cache_read_input_tokens: 50 },
      { input: 156, cachedInput: 50, cacheWrite: 100, output: 4 },
    ],
    ['parts that are more than the whole', { inputTokens: 5, cachedInputTokens: 9 }, { input: 5, cachedInput: 5 }],
    ['a version 4 name', { promptTokens: 3, completionTokens: 4 }, { input: 3, output: 4 }],
    ['values that are not numbers', { prompt_tokens: 7, completion_tokens: NaN, total_tokens: '9' }, { input: 7 }],
    ['negative numbers', { input_tokens: 7, output_tokens: -7, cache_read_input_tokens: -1 }, { input: 7 }],
    ['zeros', { input_tokens: 0, output_tokens: 0 }, {}],
  ])('with %s', (_, value, usage) => expect(usageOf(value)).toEqual(only(usage)));

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['text', 'usage'],
    ['a list', [chat]],
    ['no usage', { ...chat, usage: null }],
    ['no numbers', { usage: { input_tokens: null, output_tokens: 'many', total_tokens: Infinity } }],
    ['usage deeper down', { data: { result: chat } }],
    ['getters that throw', { get usage() { return throwing(); }, get message() { return throwing(); } }], // prettier-ignore
    ['a usage whose getters throw', { usage: { get input_tokens() { return throwing(); } } }], // prettier-ignore
    ['a revoked proxy', revoked],
    ['a proxy that throws', { usage: new Proxy({}, { get: throwing, has: throwing }) }],
    ['a cycle', cycle],
  ])('is not found in %s, and nothing is thrown', (_, value) => {
    expect(usageOf(value)).toBeUndefined();
    const reader = new UsageReader();
    for (const item of [value, { data: value }, { type: 'finish', messageMetadata: value }]) reader.value(item);
    expect(reader.found()?.isComplete ?? false).toBe(false);
  });

  it('is not asked of a stream that nobody has read: that would start it', () => {
    let asked = 0;
    const stream = {
      textStream: {},
      get usage() {
        asked += 1;
        return AI_SDK_USAGE;
      },
    };
    expect(usageOf(stream)).toBeUndefined();
    new UsageReader().value(stream);
    expect(asked).toBe(0);
  });
});

describe('llmUsage', () => {
  const outcome = (some: Partial<CallOutcome>): CallOutcome => callOutcome({ held: 4_000, ...some });
  const partial = { usage: only({ input: 1_200, output: 1 }), isComplete: false };
  const much = { usage: only({ input: 1_200, output: 9_000 }), isComplete: false };
  const refusal = Object.assign(new Error('429 Rate limit reached'), { status: 429, requestID: 'req_1', headers: {} });
  const lost = Object.assign(new Error('Connection error.'), { status: undefined, requestID: undefined });

  it.each<[string, Partial<CallOutcome>, number | undefined]>([
    ['the final usage is known', { found: COMPLETE }, 1_550],
    ['the handler returned the usage, and nothing read it', { value: chat }, 1_550],
    ['there is no usage', {}, undefined],
    ['there is no usage, but the handler said what it used', { used: 700 }, 700],
    ['the answer ended without its final usage', { found: partial }, undefined],
    ['the answer ended so, and is above the estimate already', { found: much }, 10_200],
    ['the answer ended so, and the handler says that it used more', { found: partial, used: 5_000 }, 5_000],
    ['the client disconnected after the final usage', { ending: 'disconnect', found: COMPLETE }, 1_550],
    [
      'the client disconnected, and the handler says that it used more',
      { ending: 'disconnect', found: COMPLETE, used: 2_000 },
      2_000,
    ],
    ['the client disconnected before it', { ending: 'disconnect', found: much, used: 5 }, undefined],
    ['a guard or a pipe refused', { ending: 'refused' }, 0],
    ['the call failed', { ending: 'failure', error: new Error('no') }, undefined],
    ['the call failed after the final usage', { ending: 'failure', found: COMPLETE }, 1_550],
    ['the model refused', { ending: 'failure', error: refusal }, 0],
    [
      'the model refused, and the handler wrapped it',
      { ending: 'failure', error: new Error('no', { cause: refusal }) },
      0,
    ],
    ['the model refused a second call', { ending: 'failure', error: refusal, used: 300 }, 300],
    ['the model refused after it had begun', { ending: 'failure', error: refusal, found: partial }, undefined],
    ['the connection to the model broke', { ending: 'failure', error: lost }, undefined],
    ['the handler failed with a status', { ending: 'failure', error: { status: 400, message: 'no' } }, undefined],
    [
      'the AI SDK gave up',
      { ending: 'failure', error: { lastError: { name: 'AI_APICallError', statusCode: 503 } } },
      0,
    ],
    ['the error cannot be read', { ending: 'failure', error: revoked }, undefined],
  ])('when %s', (_, some, units) => expect(llmUsage()(outcome(some))).toBe(units));

  it('says what is known so far, for calls that end early', () => {
    const { atLeast } = llmUsage();
    expect(atLeast!(outcome({ ending: 'disconnect', found: partial }))).toBe(1_201);
    expect(atLeast!(outcome({ ending: 'disconnect' }))).toBeUndefined();
  });

  it('makes a reader for each call', () => {
    const { reader } = llmUsage();
    reader!().value(chat);
    expect(reader!().found()).toBeUndefined();
  });

  it.each<[string, Parameters<typeof llmUsage>[0], number]>([
    ['a function', ({ output }) => output, 350],
    ['an option', { price: ({ input, cachedInput, output }) => input - 0.9 * cachedInput + 4 * output }, 1_679],
    ['rounded up', () => 1.1, 2],
    ['rounded up, but not because 100 * 0.07 is above 7', () => 100 * 0.07, 7],
    ['nothing', () => 0, 0],
  ])('takes a price: %s', (_, price, units) => expect(llmUsage(price)(outcome({ found: COMPLETE }))).toBe(units));

  it.each<[string, () => unknown, RegExp]>([
    ['NaN', () => NaN, /^RL_PRICE_INVALID: price of llmUsage must return a number from 0 to 9007199254740991, got NaN/],
    ['negative', () => -1, /got -1 for {"input":1200,/],
    ['infinite', () => Infinity, /got Infinity/],
    ['above every limit', () => 2 ** 60, /must return a number from 0 to 9007199254740991, got 1152921504606847000/],
    ['text', () => '5', /got "5" \(it is text/],
    ['nothing', () => undefined, /got undefined/],
    ['a promise', () => Promise.resolve(5), /got {}/],
    ['an error', throwing, /price of llmUsage threw: thrown by a getter/],
  ])('refuses a price that is %s', (_, price, message) => {
    expect(() => llmUsage(price as () => number)(outcome({ found: COMPLETE }))).toThrow(message);
  });

  it.each<[unknown, RegExp]>([
    [{ price: 5 }, /^RL_PRICE_INVALID: price of llmUsage must be a function of the usage, .* got 5/],
    [{ prices: () => 5 }, /^RL_OPTION_UNKNOWN: llmUsage has no option "prices"; did you mean price/],
    [5, /^RL_OPTION_UNKNOWN: llmUsage must be an object, got 5/],
    [null, /llmUsage must be an object, got null/],
  ])('refuses options like %p at once', (options, message) => {
    expect(() => llmUsage(options as object)).toThrow(message);
  });
});
