import fc from 'fast-check';
import { UsageReader } from '../../libs/rate-limit/src/engine/llm/usage-reader.js';
import { chat, CHAT_USAGE, eventsOf, message, only, response, streams, USAGE } from './llm-answers.js';

const COMPLETE = { usage: USAGE, isComplete: true };

function readerOf(values: readonly unknown[], ...chunks: (string | Uint8Array)[]): UsageReader {
  const reader = new UsageReader();
  for (const value of values) reader.value(value);
  for (const chunk of chunks) reader.chunk(chunk);
  return reader;
}
const foundIn = (...values: unknown[]) => readerOf(values).found();
const foundInBytes = (...chunks: (string | Uint8Array)[]) => readerOf([], ...chunks).found();

describe.each(Object.entries(streams))('the stream of %s', (_, objects) => {
  it('is read as objects', () => expect(foundIn(...objects)).toEqual(COMPLETE));

  it.each([
    ['events with objects', objects.map((data) => ({ data }))],
    ['events with a type', objects.map((data) => ({ data, type: (data as { type?: string }).type }))],
    ['events with text', objects.map((data) => ({ data: JSON.stringify(data) }))],
    ['text', objects.map((data) => JSON.stringify(data))],
  ])('is read as %s', (_, values) => expect(foundIn(...values)).toEqual(COMPLETE));

  it('is read as bytes that are cut anywhere', () => {
    const forms = ['\n', '\r\n', '\r']
      .map((end) => eventsOf(objects, end))
      .concat(objects.map((object) => `data: ${JSON.stringify(object)}\n`).join('')) // without the empty lines
      .concat(objects.map((object) => JSON.stringify(object)).join('\n')) // lines of JSON, the last without an end
      // events on several lines
      .concat(['\n', '\r\n'].map((end) => eventsOf(objects, end).replaceAll(',"', `,${end}data: "`)))
      .map((text) => Buffer.from(text));
    fc.assert(
      fc.property(fc.constantFrom(...forms), fc.array(fc.nat(2_000), { maxLength: 40 }), (bytes, cuts) => {
        const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b);
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
        expect(foundInBytes(...chunks)).toEqual(COMPLETE);
      }),
      { numRuns: 60 },
    );
    for (const bytes of forms) {
      expect(foundInBytes(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(COMPLETE);
    }
  });

  it('is not complete before its last object', () => {
    for (let end = 0; end < objects.length; end += 1) {
      const found = foundIn(...objects.slice(0, end));
      expect(found?.isComplete ?? false).toBe(false);
      expect(foundInBytes(eventsOf(objects.slice(0, end)))).toEqual(found);
    }
  });

  it('counts once when it is seen as it is made and as it is sent', () => {
    expect(readerOf(objects, eventsOf(objects)).found()).toEqual(COMPLETE);
  });

  it('is complete again after another answer with another id, and adds it', () => {
    const other = objects.map((object) => JSON.parse(JSON.stringify(object).replaceAll(/"id":"\w/g, '$&2')) as object);
    const reader = readerOf([...objects, ...other.slice(0, -1)]);
    if ('choices' in objects[0]! || /start|created/.test(JSON.stringify(objects[0]))) {
      expect(reader.found()!.isComplete).toBe(false);
      reader.value(other.at(-1));
      expect(reader.found()).toEqual({
        usage: { input: 2_400, cachedInput: 2_048, cacheWrite: 0, output: 700, reasoning: 400 },
        isComplete: true,
      });
    } else {
      // An application's own report is about the whole answer.
      reader.value(other.at(-1));
      expect(reader.found()).toEqual(COMPLETE);
    }
  });
});

describe('what a reader finds', () => {
  it('is nothing where no model answers', () => {
    expect(foundIn({ id: 1, name: 'a cat' }, [1, 2], 'text', null, 7)).toBeUndefined();
    expect(foundInBytes('<html>\n<p>data: {"a":1}</p>', Uint8Array.of(0xff, 0xfe, 0x00))).toBeUndefined();
  });

  it('is the input alone while Anthropic streams', () => {
    expect(foundIn(...streams['Anthropic']!.slice(0, 4))).toEqual({
      usage: only({ input: 1_200, cachedInput: 1_024, output: 1 }),
      isComplete: false,
    });
  });

  it('is the steps that have ended while the AI SDK streams', () => {
    expect(foundIn(...streams['AI SDK, fullStream']!.slice(0, -1))).toEqual({
      usage: only({ input: 1_200, output: 40 }),
      isComplete: false,
    });
  });

  it('does not end with the first of two answers', () => {
    const [start] = streams['Anthropic']!;
    const found = foundIn(chat, start);
    expect(found).toEqual({ usage: { ...USAGE, input: 2_400, cachedInput: 2_048, output: 351 }, isComplete: false });
    // The bytes ended with the first.
    expect(readerOf([chat, start], JSON.stringify(chat)).found()).toEqual(found);
  });

  it('is nothing in numbers without include_usage, and not complete', () => {
    expect(foundIn(...streams['OpenAI chat']!.slice(0, -1))).toEqual({ usage: only({}), isComplete: false });
  });

  it('is the last of usages that grow with every chunk, by id', () => {
    const chunk = (id: string, tokens: number, finish: string | null) => ({
      id,
      choices: [{ delta: {}, finish_reason: finish }],
      usage: { prompt_tokens: 10, completion_tokens: tokens },
    });
    const interleaved = [chunk('a', 1, null), chunk('b', 1, null), chunk('a', 5, 'stop'), chunk('b', 7, 'stop')];
    expect(foundIn(...interleaved)).toEqual({ usage: only({ input: 20, output: 12 }), isComplete: true });
  });

  it("takes an application's own total in place of the answers that it passed on, if it is more", () => {
    const total = { input_tokens: 2_000, output_tokens: 500 };
    expect(foundIn(chat, { usage: total })).toEqual({ usage: only({ input: 2_000, output: 500 }), isComplete: true });
    expect(foundIn(chat, { usage: { input_tokens: 1, output_tokens: 1 } })).toEqual(COMPLETE);
  });

  it('adds up any number of answers', () => {
    const answers = Array.from({ length: 100 }, (_, index) => ({ ...message, id: `msg_${index}` }));
    const usage = { input: 120_000, cachedInput: 102_400, cacheWrite: 0, output: 35_000, reasoning: 20_000 };
    expect(foundIn(...answers)).toEqual({ usage, isComplete: true });
    const reader = new UsageReader();
    for (const answer of answers) {
      reader.chunk(JSON.stringify(answer));
      reader.found();
      reader.chunk('\n');
    }
    expect(reader.found()).toEqual({ usage, isComplete: true });
  });

  it('tells answers apart by ids of which a character was cut in two', () => {
    const bytes = Buffer.from(`${JSON.stringify({ ...message, id: 'é' })}\n`);
    expect(foundInBytes(bytes, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(COMPLETE);
  });

  it('keeps the input when Anthropic ends with an input of 0, as some gateways do', () => {
    const [start] = streams['Anthropic']!;
    const end = {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: 0, output_tokens: 9 },
    };
    const usage = only({ input: 1_200, cachedInput: 1_024, output: 9 });
    expect(foundIn(start, end)).toEqual({ usage, isComplete: true });
  });

  it.each<[string, unknown]>([
    ['a response in progress has a usage', { type: 'response.in_progress', response: { ...response, id: 'resp_2' } }],
    ['a run of the AI SDK continues', { type: 'start-step' }],
    ['a second chat answer begins', { id: 'b', choices: [{ delta: {} }] }],
    ['Anthropic sends a second answer', { type: 'content_block_delta', delta: {} }],
  ])('is not complete any more when %s', (_, value) => {
    expect(foundIn({ usage: CHAT_USAGE }, value)!.isComplete).toBe(false);
  });

  it('is in a body of JSON, on one line or on many', () => {
    expect(foundInBytes(JSON.stringify(chat))).toEqual(COMPLETE);
    const lines = JSON.stringify(message, null, 2);
    for (let cut = 0; cut < lines.length; cut += 7) {
      expect(foundInBytes(lines.slice(0, cut), lines.slice(cut))).toEqual(COMPLETE);
    }
  });

  it("is in the AI SDK's data stream of version 4", () => {
    const step = 'e:{"finishReason":"stop","usage":{"promptTokens":10,"completionTokens":20},"isContinued":false}\n';
    const end = 'd:{"finishReason":"stop","usage":{"promptTokens":30,"completionTokens":40}}\n';
    const found = { usage: only({ input: 30, output: 40 }), isComplete: true };
    expect(foundInBytes('f:{"messageId":"a"}\n', '0:"Grüezi"\n', step, end)).toEqual(found);
  });

  it.each(Object.entries(streams))('can be asked at any time, and changes nothing: %s', (_, objects) => {
    const reader = new UsageReader();
    for (const char of eventsOf(objects)) {
      reader.chunk(char);
      reader.found();
    }
    expect(reader.found()).toEqual(COMPLETE);
  });

  it('is the total of the metadata, where the AI SDK sends nothing else', () => {
    const finish = { type: 'finish', messageMetadata: { totalTokens: 1_550 } };
    expect(foundIn({ type: 'start' }, finish)).toEqual({ usage: only({ input: 1_550 }), isComplete: true });
  });

  it('is not looked for in a line of more than 1 MB, and the line is not kept', () => {
    const reader = new UsageReader();
    reader.chunk(`data: {"usage":${JSON.stringify(CHAT_USAGE)},"text":"`);
    for (let piece = 0; piece < 300; piece += 1) reader.chunk('x'.repeat(10_000));
    expect(JSON.stringify(reader).length).toBeLessThan(10_000);
    reader.chunk('"}\n\n');
    expect(reader.found()).toBeUndefined();
    reader.chunk(eventsOf(streams['OpenAI chat']!));
    expect(reader.found()).toEqual(COMPLETE);
  });
});
