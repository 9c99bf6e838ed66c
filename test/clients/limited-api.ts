import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Body, Controller, Get, HttpException, Param, Post, Query, Res } from '@nestjs/common';
import { RateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { boot } from '../support/app.js';

/** An API with small quotas that counts what reaches it. */
export async function limitedApi(options: RateLimitModuleOptions = {}) {
  const arrived: unknown[] = [];
  let dates = 0;

  @Controller()
  class ApiController {
    @Post('notes')
    @RateLimit({ name: 'notes', limit: 2, window: '1s' })
    note(@Body() note: unknown) {
      arrived.push(note);
    }

    @Get('rare/:id')
    @RateLimit({ name: 'rare', limit: 1, window: '1h', key: (context) => idOf(context.switchToHttp().getRequest()) })
    rare(@Param('id') id: string) {
      arrived.push(id);
    }

    @Get('never')
    @RateLimit({ name: 'small', limit: 2, window: '1s', cost: () => 3 })
    never() {}

    /** As a server that is not ours, which writes a date. */
    @Get('dated')
    dated(@Res({ passthrough: true }) response: ServerResponse) {
      if (dates++ > 0) return;
      response.setHeader('Retry-After', new Date(Date.now() + 1_000).toUTCString());
      throw new HttpException('later', 429);
    }

    /** As a server that says what no standard knows. */
    @Get('odd')
    odd(@Query('after') after: string, @Res({ passthrough: true }) response: ServerResponse) {
      response.setHeader('Retry-After', after);
      throw new HttpException('later', 429);
    }

    /** As another API, which has its own idea of the field. */
    @Get('foreign')
    foreign(@Query('field') field: string, @Res({ passthrough: true }) response: ServerResponse) {
      response.setHeader('RateLimit', field);
    }
  }

  const asked: string[] = [];
  const statuses: number[] = [];
  const { url } = await boot('express', options, {
    controllers: [ApiController],
    prepare: (nest) => {
      (nest.getHttpServer() as Server).keepAliveTimeout = 0; // who holds a connection keeps it
      nest.use(({ url }: IncomingMessage, response: ServerResponse, next: () => void) => {
        asked.push(url!);
        response.once('finish', () => statuses.push(response.statusCode));
        next();
      });
    },
  });
  return { url, arrived, asked, statuses, denials: () => statuses.filter((status) => status === 429).length };
}

const idOf = (request: { params: { id: string } }): string => request.params.id;
