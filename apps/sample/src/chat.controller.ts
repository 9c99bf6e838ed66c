import { BadRequestException, Body, Controller, HttpCode, RequestMethod, Sse, type MessageEvent } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse } from '@nestjs/swagger';
import { llmUsage, RateLimit } from 'nestjs-redis-rate-limit';
import { from, map, type Observable } from 'rxjs';
import { bodyOf } from './body-of.js';
import { fakeModel, tokensOf } from './fake-model.js';
import { tenantId } from './openapi.js';

const body = {
  type: 'object',
  required: ['prompt', 'max_tokens'],
  properties: {
    prompt: { type: 'string', maxLength: 2_000, example: 'What is a quota?' },
    max_tokens: { type: 'integer', minimum: 1, example: 300 },
  },
};

@Controller('api/chat')
export class ChatController {
  /** Reserves the most that an answer can use, and settles what it did use: the last chunk of the stream says so. */
  @Sse('', { method: RequestMethod.POST })
  @HttpCode(200)
  @RateLimit({ name: 'tokens', cost: (context) => mostOf(questionIn(bodyOf(context))), settle: llmUsage() })
  @ApiHeader(tenantId)
  @ApiBody({ schema: body })
  @ApiOkResponse({ content: { 'text/event-stream': { schema: { type: 'string' } } } })
  chat(@Body() body: unknown): Observable<MessageEvent> {
    const { prompt, mostTokens } = questionIn(body);
    // When the client disconnects, Nest unsubscribes, and that stops the model at its next token.
    return from(fakeModel(prompt, mostTokens)).pipe(map((data) => ({ data })));
  }
}

interface Question {
  readonly prompt: string;
  readonly mostTokens: number;
}

const mostOf = ({ prompt, mostTokens }: Question): number => tokensOf(prompt) + mostTokens;

/** Guards run before pipes, so what a cost is read from is checked here. What is thrown charges nothing. */
function questionIn(body: unknown): Question {
  const { prompt, max_tokens: mostTokens } = (body ?? {}) as { prompt?: unknown; max_tokens?: unknown };
  if (typeof prompt !== 'string' || prompt.trim() === '' || prompt.length > 2_000) {
    throw new BadRequestException('The JSON body must have a "prompt", a text of at most 2000 characters.');
  }
  if (Number.isSafeInteger(mostTokens) && (mostTokens as number) >= 1) {
    return { prompt, mostTokens: mostTokens as number };
  }
  throw new BadRequestException(
    'The JSON body must have "max_tokens", a whole number of at least 1, as in {"prompt": "Hi", "max_tokens": 300}.',
  );
}
