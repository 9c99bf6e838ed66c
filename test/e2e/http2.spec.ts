import { Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { RateLimit, type RateLimitModuleOptions } from 'nestjs-redis-rate-limit';
import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type Http2ServerRequest } from 'node:http2';
import { boot, closeApps } from '../support/app.js';

const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await closeApps();
});

/** An application whose guard waits until its client has gone, if the path says so. */
async function start() {
  const ended: string[] = [];
  let arrived: () => void;
  const hasArrived = new Promise<void>((resolve) => (arrived = resolve));
  let over: () => void;
  const isOver = new Promise<void>((resolve) => (over = resolve));
  const leaves = async ({ raw }: { raw: Http2ServerRequest }) => {
    const gone = once(raw.stream, 'close');
    arrived();
    await gone;
  };
  const policies: RateLimitModuleOptions['policies'] = {
    calls: {
      limit: 100,
      window: '1m',
      async key(_, request) {
        if ((request as { url?: string }).url === '/?guard') await leaves(request as never);
        return 'k';
      },
      count({ ending, status }) {
        ended.push(`${ending} ${status}`);
        over();
        return true;
      },
    },
  };

  @Controller()
  class Calls {
    @Get()
    @RateLimit('calls')
    call() {
      ended.push('handled');
      return 'done';
    }
  }

  const { url } = await boot(new FastifyAdapter({ http2: true } as object), { policies }, { controllers: [Calls] });
  const session = connect(url);
  sessions.push(session);
  const ask = (path: string) => session.request({ ':path': path }).on('error', () => {});
  return { ask, ended, hasArrived, isOver };
}

describe('over HTTP/2', () => {
  it('a call that is answered has succeeded', async () => {
    const { ask, ended, isOver } = await start();
    const [headers] = (await once(ask('/'), 'response')) as [{ ':status': number }];
    await isOver;
    expect([headers[':status'], ...ended]).toEqual([200, 'handled', 'success 200']);
  });

  it('a client that goes away while its limits are decided has disconnected, and its handler runs', async () => {
    const { ask, ended, hasArrived, isOver } = await start();
    const request = ask('/?guard');
    await hasArrived;
    request.close(constants.NGHTTP2_CANCEL);
    await isOver;
    expect(ended).toEqual(['handled', 'disconnect undefined']);
  });
});
