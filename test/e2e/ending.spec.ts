import {
  BadRequestException,
  Catch,
  Controller,
  Get,
  Header,
  HttpCode,
  Module,
  Param,
  ParseIntPipe,
  Redirect,
  Render,
  Req,
  Res,
  Scope,
  SetMetadata,
  Sse,
  StreamableFile,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, DiscoveryModule, DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { jest } from '@jest/globals';
import { RateLimit } from 'nestjs-redis-rate-limit';
import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { Observable, of, retry, timeout } from 'rxjs';
import { bindEnding } from '../../libs/rate-limit/src/nest/ending/bind-ending.js';
import { isEndingBound } from '../../libs/rate-limit/src/nest/ending/bound-handlers.js';
import type { AnswerReader, CallOutcome } from '../../libs/rate-limit/src/nest/ending/call-outcome.js';
import { Usage, callUsageOf, type CallUsage } from '../../libs/rate-limit/src/nest/ending/usage.js';
import { watchEnding, type AwaitedEnd } from '../../libs/rate-limit/src/nest/ending/watch-ending.js';
import { routesOf, type Route } from '../../libs/rate-limit/src/nest/plan/routes.js';
import { adapters, boot, closeApps, type Adapter } from '../support/app.js';

/** What the application under test waits for, and what it did. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

/** One request as the test sees it. */
class Seen {
  readonly events: string[] = [];
  readonly values: unknown[] = [];
  bytes = '';
  readonly arrived = new Gate();
  readonly closed = new Gate();
  readonly ended = new Gate();
  /** What the application waits for. */
  readonly gate = new Gate();
  outcome: CallOutcome | undefined;
  end: AwaitedEnd | undefined;
  runs = 0;
}

const seen = new Map<string, Seen>();
const seenBy = (request: unknown): Seen =>
  seen.get((request as { headers: Record<string, string> }).headers['x-call'] ?? '') ?? new Seen();

class ReaderOfAll implements AnswerReader {
  constructor(private readonly of: Seen) {}
  value(value: unknown): void {
    this.of.values.push(value);
  }
  chunk(chunk: string | Uint8Array): void {
    this.of.bytes += Buffer.from(chunk as string).toString();
  }
  found(): unknown {
    return this.of.values.length + this.of.bytes.length || undefined;
  }
}

class ThrowingReader extends ReaderOfAll {
  override value(): void {
    throw new Error('reader');
  }
}

const Holds = () => SetMetadata('holds', true);

/** In place of the guard that holds units. */
const holding: CanActivate = {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    const call = seen.get(request.headers['x-call'] ?? '');
    const holds = request.headers['x-holds'];
    if (!call || holds === 'no' || (holds !== 'yes' && !isEndingBound(context.getHandler()))) return true;
    const reader = () => new (request.headers['x-reader'] === 'throws' ? ThrowingReader : ReaderOfAll)(call);
    call.end = watchEnding(
      context,
      { held: 7, reader },
      {
        closed: () => (call.events.push('closed'), call.closed.open()),
        ended: (outcome) => ((call.outcome = outcome), call.events.push('ended'), call.ended.open()),
        failed: (error) => call.events.push(`failed: ${(error as Error).message}`),
      },
    );
    call.arrived.open();
    return true;
  },
};

@Module({ imports: [DiscoveryModule] })
class EndingModule {
  private readonly routes: Route[];

  constructor(discovery: DiscoveryService, modules: ModulesContainer, config: ApplicationConfig) {
    this.routes = routesOf(discovery, modules).filter(({ handler }) => Reflect.getMetadata('holds', handler));
    config.addGlobalGuard(holding);
  }

  configure(): void {
    bindEnding(this.routes);
  }
}

type Native = ServerResponse & { raw?: ServerResponse; hijack?: () => void; send(body: unknown): unknown };
const rawOf = (response: Native): ServerResponse => {
  response.hijack?.();
  return response.raw ?? response;
};

/** Refuses after the test lets it. */
const denies: CanActivate = { canActivate: () => false };
const waits: CanActivate = {
  async canActivate(context) {
    const call = seenBy(context.switchToHttp().getRequest());
    await call.gate.opened;
    return context.switchToHttp().getRequest<{ url: string }>().url.endsWith('pass');
  },
};
const failing: NestInterceptor = {
  intercept: () => {
    throw new BadRequestException();
  },
};
const cached: NestInterceptor = { intercept: () => of('cached') };
const retrying: NestInterceptor = { intercept: (_context, next) => next.handle().pipe(retry(1)) };
const impatient: NestInterceptor = { intercept: (_context, next) => next.handle().pipe(timeout(1)) };

@Catch()
class Forgiving implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  catch(_error: unknown, host: ArgumentsHost): void {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), 'never mind', 200);
  }
}

/** Answers in place of the handler, as time-outs and early acknowledgements do. */
function answering(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const when = request.headers['x-answer'];
  if (when === 'first') response.writeHead(202).end('taken');
  if (when === 'meanwhile') void seenBy(request).arrived.opened.then(() => response.writeHead(503).end('too late'));
  next();
}

class Inherited {
  @Get('inherited')
  @Holds()
  inherited(@Req() request: unknown, extra = 'default') {
    seenBy(request).runs++;
    return extra;
  }

  @Get('own/inherited-pattern')
  special() {
    return 'special';
  }
}

@Controller()
class EndingController extends Inherited {
  constructor() {
    super();
    this.bound = this.bound.bind(this);
  }

  @Get('untouched')
  untouched() {}

  @Get('large')
  @Holds()
  large() {
    return 'x'.repeat(20_000_000);
  }

  @Get('value')
  @Holds()
  value() {
    return { tokens: 3 };
  }

  @Get('bound')
  @Holds()
  bound(@Req() request: unknown, ...others: unknown[]) {
    return { isThis: this instanceof EndingController, others, has: Boolean(request) };
  }

  @Get('calls')
  @Holds()
  async calls(@Req() request: unknown) {
    const inner = this.inherited(request);
    return Promise.resolve({ inner });
  }

  @Get('throws')
  @Holds()
  throws() {
    throw new Error('at once');
  }

  @Get('rejects')
  @Holds()
  async rejects() {
    await Promise.resolve();
    throw new BadRequestException('later');
  }

  @Get('forgiven')
  @Holds()
  @UseFilters(Forgiving)
  forgiven() {
    throw new Error('forgiven');
  }

  @Get('denied')
  @Holds()
  @UseGuards(denies)
  denied() {}

  @Get('denied-kindly')
  @Holds()
  @UseGuards(denies)
  @UseFilters(Forgiving)
  deniedKindly() {}

  @Get('piped/:id')
  @Holds()
  piped(@Param('id', ParseIntPipe) id: number) {
    return id;
  }

  @Get('intercepted')
  @Holds()
  @UseInterceptors(failing)
  intercepted() {}

  @Get('cached')
  @Holds()
  @UseInterceptors(cached)
  cached() {}

  @Get('retried')
  @Holds()
  @UseInterceptors(retrying)
  retried(@Req() request: unknown, ...others: unknown[]) {
    if (seenBy(request).runs++ === 0) throw new Error('once');
    return { others };
  }

  @Get('impatient')
  @Holds()
  @UseInterceptors(impatient)
  async impatient(@Req() request: unknown, @Usage() usage: CallUsage) {
    await seenBy(request).gate.opened;
    usage.add(5);
    return 'at last';
  }

  @Get('guard-waits-and-:what')
  @Holds()
  @UseGuards(waits)
  guardWaits(@Req() request: unknown) {
    seenBy(request).runs++;
    return 'ran';
  }

  @Get('waits')
  @Holds()
  async waits(@Req() request: object, @Usage() usage: CallUsage) {
    usage.add(2);
    callUsageOf(request).add(3);
    await seenBy(request).gate.opened;
    usage.add(4);
    return 'waited';
  }

  @Get('no-content')
  @Holds()
  @HttpCode(304)
  notModified() {}

  @Get('redirect')
  @Holds()
  @Redirect('/value')
  redirect() {}

  @Get('page')
  @Holds()
  @Render('page')
  page() {
    return { title: 'page' };
  }

  @Get('observable')
  @Holds()
  observable() {
    return of({ n: 1 }, { n: 2 });
  }

  @Sse('sse')
  @Holds()
  sse() {
    return of({ data: 'one' }, { data: 'two' });
  }

  @Sse('sse-open')
  @Holds()
  sseOpen(@Req() request: unknown, @Usage() usage: CallUsage) {
    return new Observable((subscriber) => {
      subscriber.next({ data: 'one' });
      return () => {
        usage.set(9);
        seenBy(request).events.push('unsubscribed');
      };
    });
  }

  @Sse('sse-fails')
  @Holds()
  sseFails(@Req() request: unknown) {
    return new Observable((subscriber) => {
      subscriber.next({ data: 'one' });
      void seenBy(request).gate.opened.then(() => subscriber.error(new Error('model')));
    });
  }

  @Get('generated')
  @Holds()
  @Header('content-type', 'text/plain')
  async *generated(@Req() request: unknown) {
    try {
      yield 'one ';
      yield { n: 2 };
      await (seenBy(request).runs === 0 ? undefined : seenBy(request).gate.opened);
      yield 'three';
    } finally {
      seenBy(request).events.push('finally');
    }
  }

  @Get('file')
  @Holds()
  file() {
    return new StreamableFile(Readable.from([Buffer.from('some '), Buffer.from('bytes')]));
  }

  @Get('file-fails')
  @Holds()
  fileFails() {
    return new StreamableFile(
      Readable.from(
        (async function* () {
          yield Buffer.alloc(100_000, 'x');
          await Promise.resolve();
          throw new Error('disk');
        })(),
      ),
    );
  }

  @Get('by-hand')
  @Holds()
  byHand(@Req() request: unknown, @Res() response: Native) {
    void seenBy(request).gate.opened.then(() => response.send({ by: 'hand' }));
  }

  @Get('returned-response')
  @Holds()
  returned(@Res() response: Native) {
    return response.send('sent');
  }

  @Get('passthrough')
  @Holds()
  passthrough(@Res({ passthrough: true }) response: Native) {
    (response.raw ?? response).setHeader('x-through', '1');
    return { through: 1 };
  }

  @Get('raw')
  @Holds()
  raw(@Res() response: Native) {
    const raw = rawOf(response);
    raw.write('73 ', 'utf8');
    raw.write('c3bc20', 'hex');
    raw.end('end');
  }

  @Get('raw-breaks')
  @Holds()
  rawBreaks(@Res() response: Native) {
    const source = Readable.from(
      (async function* () {
        yield 'some';
        await new Promise(setImmediate);
        throw new Error('upstream');
      })(),
    );
    pipeline(source, rawOf(response), () => undefined);
  }

  @Get('raw-open')
  @Holds()
  rawOpen(@Res() response: Native) {
    rawOf(response).write('open');
  }
}

/** The end that it replaces is on the class; its function is the same for both. */
@Controller('other')
class OtherController extends Inherited {}

let count = 0;
const open = new Set<ClientRequest>();

/** Sends a request that the test can watch and break off. */
function send(url: string, { method = 'GET', headers = {} }: { method?: string; headers?: object } = {}) {
  const call = new Seen();
  const id = String(count++);
  seen.set(id, call);
  const request = httpRequest(url, { method, agent: false, headers: { ...headers, 'x-call': id } }).end();
  open.add(request);
  request.on('error', () => undefined);
  const response = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
  const body = response.then(async (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('error', () => undefined);
    answer.on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => answer.once('close', resolve));
    return text;
  });
  return { call, request, response, body };
}

afterEach(() => {
  for (const request of open) request.destroy();
  open.clear();
  seen.clear();
});

/** What is left of an outcome for a comparison. */
const short = ({ outcome }: Seen) => {
  const { ending, refusedBy, status } = outcome!;
  return [ending, refusedBy, status];
};

async function endOf(url: string, options?: Parameters<typeof send>[1]): Promise<Seen> {
  const { call, body } = send(url, options);
  void body;
  await call.ended.opened;
  return call;
}

afterAll(closeApps);

describe.each(adapters)('how a call ends, on %s', (adapter: Adapter) => {
  let url: string;
  let nest: INestApplication;
  const find = EndingController.prototype;
  const { untouched } = find;

  beforeAll(async () => {
    ({ url, nest } = await boot(
      adapter,
      {},
      {
        controllers: [EndingController, OtherController],
        imports: [EndingModule],
        providers: [Forgiving],
        prepare: (app) => {
          app.use(answering);
          if (adapter === 'fastify') return;
          class Page {
            readonly path = 'page';
            render = (_values: unknown, done: (error: null, text: string) => void) => done(null, 'a page');
          }
          (app.getHttpAdapter().getInstance() as { set(name: string, value: unknown): void }).set('view', Page);
        },
      },
    ));
  });

  it.each<[string, string, string, unknown, number]>([
    ['an answer', '/value', 'success', undefined, 200],
    ['an error at once', '/throws', 'failure', undefined, 500],
    ['an error after an await, of a status that pipes use', '/rejects', 'failure', undefined, 400],
    ['an error that a filter answers with 200', '/forgiven', 'success', undefined, 200],
    ['a guard behind', '/denied', 'refused', 'guard', 403],
    ['a guard whose refusal is answered with 200', '/denied-kindly', 'refused', 'guard', 200],
    ['a pipe', '/piped/x', 'refused', 'pipe', 400],
    ['an interceptor that throws', '/intercepted', 'refused', 'pipe', 400],
    ['an interceptor that answers', '/cached', 'refused', 'pipe', 200],
    ['304', '/no-content', 'success', undefined, 304],
    ['a redirect', '/redirect', 'success', undefined, 302],
    ['a stream', '/file', 'success', undefined, 200],
    ['a stream that fails', '/file-fails', 'failure', undefined, 200],
    ['events', '/sse', 'success', undefined, 200],
    ['a generator', '/generated', 'success', undefined, 200],
    ['an Observable', '/observable', 'success', undefined, 200],
    ['a response that the handler returns', '/returned-response', 'success', undefined, 200],
    ['a passthrough response', '/passthrough', 'success', undefined, 200],
    ["writes to Node's response", '/raw', 'success', undefined, 200],
    ["Node's response, broken off by the handler", '/raw-breaks', 'failure', undefined, 200],
  ])('%s', async (_what, path, ...right) => {
    const call = await endOf(url + path);
    expect(short(call)).toEqual(right);
    expect(call.events.filter((event) => event !== 'finally')).toEqual(['closed', 'ended']);
    expect(call.outcome).toMatchObject({ held: 7, used: undefined });
  });

  it('HEAD', async () =>
    expect(short(await endOf(`${url}/value`, { method: 'HEAD' }))).toEqual(['success', undefined, 200]));

  if (adapter === 'express') {
    it('a page', async () => expect(short(await endOf(`${url}/page`))).toEqual(['success', undefined, 200]));
  }

  // Fastify runs no handler after that.
  if (adapter === 'express') {
    it.each([
      ['a guard that refuses then', 'stop', ['refused', 'guard'], 0],
      ['a guard that passes then', 'pass', ['success', undefined], 1],
    ])('an answer of the application before %s', async (_what, then, right, runs) => {
      const { call } = send(`${url}/guard-waits-and-${then}`, { headers: { 'x-answer': 'first' } });
      await call.closed.opened;
      call.gate.open();
      await call.ended.opened;
      expect(short(call)).toEqual([...right, 202]);
      expect(call.runs).toBe(runs);
    });
  }

  it('a handler that fails once and is called again', async () => {
    const { outcome } = await endOf(`${url}/retried`);
    expect(outcome).toMatchObject({ ending: 'success', error: undefined, value: { others: [] } });
  });

  it('gives the error of the handler, and what it returned', async () => {
    expect((await endOf(`${url}/throws`)).outcome!.error).toEqual(new Error('at once'));
    expect((await endOf(`${url}/forgiven`)).outcome!.error).toEqual(new Error('forgiven'));
    expect((await endOf(`${url}/value`)).outcome!.value).toEqual({ tokens: 3 });
    expect((await endOf(`${url}/observable`)).outcome!.value).toEqual({ n: 2 });
    expect((await endOf(`${url}/sse`)).outcome!.value).toBeUndefined();
    expect((await endOf(`${url}/file`)).outcome!.value).toBeUndefined();
  });

  it.each<[string, unknown[], string]>([
    ['/value', [{ tokens: 3 }], ''],
    ['/passthrough', [{ through: 1 }], ''],
    ['/observable', [{ n: 1 }, { n: 2 }], ''],
    ['/sse', [{ data: 'one' }, { data: 'two' }], ''],
    ['/generated', [{ n: 2 }], 'one three'],
    ['/file', [], 'some bytes'],
    ['/returned-response', [], 'sent'],
    ['/raw', [], '73 ü end'],
    ['/throws', [], ''],
    ['/denied', [], ''],
  ])('a reader reads each part of %s once', async (path, values, bytes) => {
    const call = await endOf(url + path);
    expect(call).toMatchObject({ values, bytes });
    expect(call.outcome!.found).toBe(values.length + bytes.length || undefined);
  });

  it('a reader that throws breaks no answer', async () => {
    const { call, body } = send(`${url}/value`, { headers: { 'x-reader': 'throws' } });
    expect(JSON.parse(await body)).toEqual({ tokens: 3 });
    await call.ended.opened;
    expect(call.events).toEqual(['failed: reader', 'closed', 'ended']);
    expect(call.outcome!.found).toBeUndefined();
  });

  it('a handler that answers after it returned', async () => {
    const { call, body } = send(`${url}/by-hand`);
    await call.arrived.opened;
    call.gate.open();
    expect(await body).toBe('{"by":"hand"}');
    await call.ended.opened;
    expect(short(call)).toEqual(['success', undefined, 200]);
    expect(call.bytes).toBe('{"by":"hand"}');
  });

  it('a handler that runs on after a time-out answered', async () => {
    const { call, response } = send(`${url}/impatient`);
    expect((await response).statusCode).toBe(500);
    await call.closed.opened;
    expect(call.outcome).toBeUndefined();
    call.gate.open();
    await call.ended.opened;
    expect(short(call)).toEqual(['failure', undefined, 500]);
    expect(call.outcome).toMatchObject({ value: 'at last', used: 5 });
  });

  it('events that fail after the status was sent', async () => {
    const { call, response } = send(`${url}/sse-fails`);
    await response;
    call.gate.open();
    await call.ended.opened;
    expect(short(call)).toEqual(['failure', undefined, 200]);
  });

  describe('a client that goes away', () => {
    it('while the handler runs: the end waits for the handler', async () => {
      const { call, request } = send(`${url}/waits`);
      await call.arrived.opened;
      request.destroy();
      await call.closed.opened;
      expect(call.outcome).toBeUndefined();
      call.gate.open();
      await call.ended.opened;
      expect(short(call)).toEqual(['disconnect', undefined, undefined]);
      expect(call.outcome).toMatchObject({ value: 'waited', used: 9 });
    });

    it('while the handler runs, if nobody can wait for that', async () => {
      const { call, request } = send(`${url}/waits`);
      await call.arrived.opened;
      request.destroy();
      await call.closed.opened;
      call.end!.giveUp();
      expect(short(call)).toEqual(['disconnect', undefined, undefined]);
      expect(call.outcome!.used).toBe(5);
      call.gate.open();
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      expect(call.events).toEqual(['closed', 'ended']);
    });

    it('nobody waits, and the client goes later', async () => {
      const { call, request } = send(`${url}/waits`);
      await call.arrived.opened;
      call.end!.giveUp();
      expect(call.events).toEqual([]);
      request.destroy();
      await call.ended.opened;
      expect(short(call)).toEqual(['disconnect', undefined, undefined]);
      call.gate.open();
    });

    it.each([
      ['events', '/sse-open'],
      ["writes to Node's response", '/raw-open'],
    ])('in the middle of %s', async (_what, path) => {
      const { call, request, response } = send(url + path);
      await once(await response, 'data');
      request.destroy();
      await call.ended.opened;
      expect(short(call)).toEqual(['disconnect', undefined, 200]);
      if (path === '/sse-open') expect(call.outcome!.used).toBe(9);
    });

    it('in the middle of an answer that was handed to its connection at once', async () => {
      const { call, request, response } = send(`${url}/large`);
      await response;
      request.destroy();
      await call.ended.opened;
      expect(short(call)).toEqual(['disconnect', undefined, 200]);
    });

    it('in the middle of a generator: the end waits for what it is doing', async () => {
      const { call, request, response } = send(`${url}/generated`);
      call.runs = 1;
      await once(await response, 'data');
      request.destroy();
      await call.closed.opened;
      expect(call.outcome).toBeUndefined();
      call.gate.open();
      await call.ended.opened;
      expect(short(call)).toEqual(['disconnect', undefined, 200]);
      expect(call.events).toEqual(['closed', 'finally', 'ended']);
    });

    it.each([
      ['a guard that refuses then', 'stop', ['refused', 'guard'], 0],
      ['a guard that passes then', 'pass', ['disconnect', undefined], 1],
    ])('before %s', async (_what, then, right, runs) => {
      const { call, request } = send(`${url}/guard-waits-and-${then}`);
      await call.arrived.opened;
      request.destroy();
      await call.closed.opened;
      call.gate.open();
      await call.ended.opened;
      expect(short(call).slice(0, 2)).toEqual(right);
      expect(call.runs).toBe(runs);
    });

    it('while its response waits behind another of its connection', async () => {
      const [first, second] = [new Seen(), new Seen()];
      seen.set('first', first).set('second', second);
      const { port } = new URL(url);
      const socket = connect(Number(port), '127.0.0.1');
      const line = (path: string, id: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nX-Call: ${id}\r\n\r\n`;
      socket.write(line('/waits', 'first') + line('/value', 'second'));
      await Promise.all([first.arrived.opened, second.arrived.opened]);
      socket.destroy();
      await second.ended.opened;
      expect(short(second)[0]).toBe('disconnect');
      first.gate.open();
      await first.ended.opened;
    });
  });

  it('an answer of the application while a guard decides: the handler does not run', async () => {
    const { call, response } = send(`${url}/guard-waits-and-pass`, { headers: { 'x-answer': 'meanwhile' } });
    expect((await response).statusCode).toBe(503);
    await call.ended.opened;
    expect(short(call)).toEqual(['refused', 'guard', 503]);
    call.gate.open();
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    expect(call.runs).toBe(0);
  });

  it('leaves other handlers as they are', () => {
    expect(EndingController.prototype.untouched).toBe(untouched);
    expect(nest.get(EndingController).untouched).toBe(untouched);
  });

  it.each<[string, unknown]>([
    ['/bound', { isThis: true, others: [], has: true }],
    ['/inherited', 'default'],
    ['/other/inherited', 'default'],
    ['/calls', { inner: 'default' }],
  ])('%s gets its own arguments, and is followed', async (path, right) => {
    const { call, body } = send(url + path);
    const text = await body;
    expect(text.startsWith('{') ? (JSON.parse(text) as unknown) : text).toEqual(right);
    await call.ended.opened;
    expect(short(call)).toEqual(['success', undefined, 200]);
  });

  it('calls that nobody watches get their own arguments too, and may say what they used', async () => {
    const { call, body } = send(`${url}/waits`, { headers: { 'x-holds': 'no' } });
    call.gate.open();
    expect([await body, await (await fetch(`${url}/inherited`)).text()]).toEqual(['waited', 'default']);
    expect(call.events).toEqual([]);
  });

  it('is not in documents', () => {
    const document = SwaggerModule.createDocument(nest, new DocumentBuilder().build());
    expect(document.paths['/value']!.get!.parameters).toEqual([]);
    expect(document.paths['/piped/{id}']!.get!.parameters).toHaveLength(1);
  });
});

describe('handlers that are not the functions of their classes', () => {
  @Controller()
  class CatsController {
    @Get('cats/:id')
    @Holds()
    find(@Param('id') id: string): string {
      return `cat ${id}`;
    }
  }
  const start = (adapter: Adapter, controller: Type, prepare?: (instance: never) => void) =>
    boot(
      adapter,
      {},
      {
        controllers: [controller],
        imports: [EndingModule],
        prepare: (nest) => prepare?.(nest.get<never>(controller)),
      },
    );

  it.each<[string, string, (cats: CatsController) => void]>([
    ['jest.spyOn', 'cat 1', (cats) => jest.spyOn(cats, 'find')],
    ['jest.fn', 'mock', (cats) => (cats.find = jest.fn(() => 'mock'))],
    ['a function', 'other', (cats) => (cats.find = () => 'other')],
  ])('%s is followed, and stays a double', async (what, answer, replace) => {
    const { nest, url } = await start('express', CatsController, replace);
    const { call, body } = send(`${url}/cats/1`);
    expect(await body).toBe(answer);
    await call.ended.opened;
    expect(short(call)).toEqual(['success', undefined, 200]);

    const { find } = nest.get(CatsController);
    if (what !== 'a function') expect((find as jest.Mock).mock.calls).toEqual([['1']]);
  });

  it('one of a controller that is made for each request is followed', async () => {
    @Controller({ scope: Scope.REQUEST })
    class PerRequestController {
      @Get('per-request')
      @Holds()
      find() {
        return 'found';
      }
    }
    const { url } = await start('fastify', PerRequestController);
    expect(short(await endOf(`${url}/per-request`))).toEqual(['success', undefined, 200]);
  });

  it.each<[string, (controller: { find: () => string }) => () => string]>([
    ['binds', (controller) => controller.find.bind(controller)],
    ['replaces', () => () => 'replaced'],
  ])('one that its constructor %s for each request is refused', async (_how, replacedBy) => {
    @Controller({ scope: Scope.REQUEST })
    class ReplacedController {
      constructor() {
        this.find = replacedBy(this);
      }

      @Get('replaced')
      @Holds()
      find() {
        return 'found';
      }
    }
    const { url } = await start('fastify', ReplacedController);
    const { response } = send(`${url}/replaced`, { headers: { 'x-holds': 'yes' } });
    expect((await response).statusCode).toBe(500);
  });

  it('a handler that also takes messages, by no decorator, stops the start', async () => {
    @Controller()
    class HybridController {
      @Get('ask')
      @MessagePattern('ask')
      @Holds()
      ask() {}
    }
    await expect(start('express', HybridController)).rejects.toThrow(
      'RL_HANDLER_UNKNOWN: a policy of HybridController.ask holds units until the call ends, but the handler cannot be ' +
        'followed: it also handles messages; decorate its parameter with @Payload() or @MessageBody()',
    );
  });

  it('a class that two applications share is bound once', async () => {
    const first = await start('express', CatsController);
    const { find } = CatsController.prototype;
    const second = await start('express', CatsController);
    expect(CatsController.prototype.find).toBe(find);
    for (const { url } of [first, second]) {
      expect(short(await endOf(`${url}/cats/1`))).toEqual(['success', undefined, 200]);
    }
  });
});

it('a policy that denies behind the guards refuses like a guard', async () => {
  @Controller()
  class LateController {
    @Get('late')
    @Holds()
    @RateLimit({ limit: 1, window: '1h', phase: 'late' })
    late() {}
  }
  const { url } = await boot('express', {}, { controllers: [LateController], imports: [EndingModule] });
  expect(short(await endOf(`${url}/late`))).toEqual(['success', undefined, 200]);
  expect(short(await endOf(`${url}/late`))).toEqual(['refused', 'guard', 429]);
});

describe('what a handler says it used', () => {
  it('adds up, or is set', () => {
    const usage = callUsageOf({});
    expect(usage.used).toBeUndefined();
    usage.add(0);
    expect(usage.used).toBe(0);
    usage.add(3);
    usage.add(4);
    expect(usage.used).toBe(7);
    usage.set(5);
    expect(usage.used).toBe(5);
  });

  it.each([NaN, -1, 0.5, 2 ** 53, '5' as never])('is not %p', (units) => {
    const usage = callUsageOf({});
    usage.add(2);
    const right = 'RL_COST_INVALID: the units that a call used must be a whole number, not negative, got';
    expect(() => usage.add(units)).toThrow(right);
    expect(() => usage.set(units)).toThrow(right);
    expect(usage.used).toBe(2);
  });
});
