import { BadRequestException, Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { bodyOf } from './body-of.js';
import { tenantId } from './openapi.js';

const body = {
  type: 'object',
  required: ['tokens'],
  properties: { tokens: { type: 'integer', minimum: 1, example: 250 } },
};

@Controller('api/generate')
export class GenerateController {
  /** The policy is the catalogue's; what a request costs is this route's to say. */
  @Post()
  @HttpCode(200)
  @RateLimit({ name: 'tokens', cost: (context) => tokensIn(bodyOf(context)) })
  @ApiHeader(tenantId)
  @ApiBody({ schema: body })
  generate(@Body() body: unknown) {
    const tokens = tokensIn(body);
    return { tokens, text: `Imagine ${tokens} tokens of text here.` };
  }
}

/** Guards run before pipes, so what a cost is read from is checked here. What is thrown charges nothing. */
function tokensIn(body: unknown): number {
  const { tokens } = (body ?? {}) as { tokens?: unknown };
  if (Number.isSafeInteger(tokens) && (tokens as number) >= 1) return tokens as number;
  throw new BadRequestException(
    'The JSON body must have "tokens", a whole number of at least 1, as in {"tokens": 250}.',
  );
}
