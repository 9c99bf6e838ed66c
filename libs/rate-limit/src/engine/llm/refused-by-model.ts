import { fieldOf } from './field.js';

/** Errors wrap errors; a cycle ends here too. */
const DEEPEST = 5;

/**
 * Whether the provider of a model refused a call with a status, so that nothing was used: an error of the clients of
 * OpenAI and Anthropic or of the AI SDK, or an error with one as its cause. A lost connection or a timeout is no such
 * error: the model may have worked.
 */
export function isRefusedByModel(error: unknown): boolean {
  for (let inner = error, depth = 0; depth < DEEPEST && inner !== undefined; depth += 1) {
    if (isRefusal(inner)) return true;
    inner = fieldOf(inner, 'lastError') ?? fieldOf(inner, 'cause');
  }
  return false;
}

function isRefusal(error: unknown): boolean {
  if (fieldOf(error, 'name') === 'AI_APICallError') return isStatus(fieldOf(error, 'statusCode'));
  const isOfClient = hasField(error, 'requestID') || hasField(error, 'request_id');
  return isOfClient && isStatus(fieldOf(error, 'status'));
}

const isStatus = (status: unknown): boolean => typeof status === 'number' && status >= 400;

const hasField = (error: unknown, name: string): boolean => {
  try {
    return typeof error === 'object' && error !== null && name in error;
  } catch {
    return false;
  }
};
