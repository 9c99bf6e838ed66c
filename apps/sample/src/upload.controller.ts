import {
  BadRequestException,
  Controller,
  Headers,
  HttpCode,
  PayloadTooLargeException,
  Post,
  Req,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader } from '@nestjs/swagger';
import { RateLimit } from 'nestjs-redis-rate-limit';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { tenantId } from './openapi.js';

const BYTES = 'application/octet-stream';
const MOST_BYTES = 1_000_000;
const BYTES_PER_MS = 100;

@Controller('api/upload')
export class UploadController {
  /** Two at a time for each tenant. An upload holds its slot until it is answered, also where its client has gone. */
  @Post()
  @HttpCode(200)
  @RateLimit('uploads')
  @ApiHeader(tenantId)
  @ApiConsumes(BYTES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  async upload(
    @Headers('content-type') type: string | undefined,
    @Req() request: IncomingMessage & { readonly raw?: IncomingMessage },
  ) {
    if (type !== BYTES) throw new UnsupportedMediaTypeException(`Send the file as ${BYTES}.`);
    // Fastify has Node's request inside its own.
    const bytes = await bytesOf(request.raw ?? request);
    // Stands for slow storage.
    await sleep(bytes / BYTES_PER_MS);
    return { bytes };
  }
}

async function bytesOf(body: IncomingMessage): Promise<number> {
  let bytes = 0;
  try {
    // Not destroyed where the loop ends early: the answer goes by the same socket.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_BYTES) break;
    }
  } catch {
    throw new BadRequestException('The upload ended early.');
  }
  if (bytes <= MOST_BYTES) return bytes;
  // A client may read no answer before it has sent everything.
  body.resume();
  throw new PayloadTooLargeException(`A file may have ${MOST_BYTES} bytes.`);
}
