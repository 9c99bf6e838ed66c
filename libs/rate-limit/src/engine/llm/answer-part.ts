import { countsOf, type Counts } from './counts.js';
import { fieldOf } from './field.js';
import { countsIn } from './usage-of.js';

/** What one object of an answer says about tokens. */
export type AnswerPart =
  /** A report on one answer of a model. Without `id`: on the one that began last. Without `counts`: it is being made. */
  | { readonly kind: 'answer'; readonly id: string | undefined; readonly counts?: Counts; readonly isLast: boolean }
  /** The AI SDK: a step of a run has ended. */
  | { readonly kind: 'step'; readonly counts: Counts }
  /** The AI SDK: a run has ended. `counts` are those of all its steps. */
  | { readonly kind: 'run'; readonly counts: Counts | undefined }
  /** An object of the application itself, about all that it used. */
  | { readonly kind: 'total'; readonly counts: Counts };

const RUNNING: AnswerPart = { kind: 'answer', id: undefined, isLast: false };
const ENDS_OF_RESPONSES = ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'];

/** `undefined` for an object that says nothing about tokens. */
export function partOf(value: unknown): AnswerPart | undefined {
  const type = fieldOf(value, 'type');
  if (typeof type === 'string') {
    const part = anthropicPart(type, value) ?? responsesPart(type, value) ?? aiSdkPart(type, value);
    if (part) return part;
  }
  const choices = fieldOf(value, 'choices');
  if (Array.isArray(choices)) return chatPart(choices, value);
  const counts = countsIn(value);
  if (!counts) return undefined;
  const isAnswer = type === 'message' || fieldOf(value, 'object') === 'response';
  return isAnswer ? answer(idOf(value), counts, true) : { kind: 'total', counts };
}

/** The usage comes with the whole answer or in the last chunk, without choices. Some servers send it in every chunk. */
function chatPart(choices: readonly unknown[], chunk: unknown): AnswerPart | undefined {
  const counts = countsOf(fieldOf(chunk, 'usage'));
  // The first chunk of Azure has neither choices nor an id.
  if (!counts) return choices.length > 0 ? answer(idOf(chunk), undefined, false) : undefined;
  const [choice] = choices as [unknown?];
  const isWhole = typeof fieldOf(choice, 'message') === 'object';
  const isLast = choice === undefined || isWhole || typeof fieldOf(choice, 'finish_reason') === 'string';
  return answer(idOf(chunk), counts, isLast);
}

function responsesPart(type: string, event: unknown): AnswerPart | undefined {
  if (!type.startsWith('response.')) return undefined;
  const response = fieldOf(event, 'response');
  const counts = countsOf(fieldOf(response, 'usage'));
  return answer(idOf(response), counts, counts !== undefined && ENDS_OF_RESPONSES.includes(type));
}

/** `message_start` has the input; the usage of each `message_delta` is that of the whole answer so far. */
function anthropicPart(type: string, event: unknown): AnswerPart | undefined {
  switch (type) {
    case 'message_start': {
      const message = fieldOf(event, 'message');
      return answer(idOf(message), countsOf(fieldOf(message, 'usage')), false);
    }
    case 'message_delta':
      return answer(
        undefined,
        countsOf(fieldOf(event, 'usage')),
        typeof fieldOf(fieldOf(event, 'delta'), 'stop_reason') === 'string',
      );
    case 'message_stop':
      return answer(undefined, undefined, true);
    case 'content_block_start':
    case 'content_block_delta':
      return RUNNING;
    default:
      return undefined;
  }
}

/** Parts of `fullStream`, and of the stream for user interfaces, where only the application's own metadata has usage. */
function aiSdkPart(type: string, part: unknown): AnswerPart | undefined {
  switch (type) {
    case 'start':
    case 'start-step':
      return RUNNING;
    case 'finish-step':
    case 'message-metadata': {
      const counts = countsIn(part) ?? countsIn(fieldOf(part, 'messageMetadata'));
      return counts ? { kind: 'step', counts } : RUNNING;
    }
    case 'finish':
      return { kind: 'run', counts: countsIn(part) ?? countsIn(fieldOf(part, 'messageMetadata')) };
    default:
      return undefined;
  }
}

const answer = (id: string | undefined, counts: Counts | undefined, isLast: boolean): AnswerPart =>
  counts ? { kind: 'answer', id, counts, isLast } : { kind: 'answer', id, isLast };

/** Ids are short. A long one is cut, because ids are kept. */
function idOf(value: unknown): string | undefined {
  const id = fieldOf(value, 'id');
  return typeof id === 'string' && id !== '' ? id.slice(0, 128) : undefined;
}
