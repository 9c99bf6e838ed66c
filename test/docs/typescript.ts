import { dirname, join } from 'node:path';
import ts from 'typescript';
import { complaint, exists, ROOT, textOf, type Block } from './pages.js';

/** Where the blocks seem to lie: below test/, so that modules are found as in any other file. Nothing is written. */
const FOLDER = join(ROOT, 'test/docs/.blocks');

/**
 * What a block says without importing it, unless it is a module of its own. On one line, and the code follows on the
 * next: so each line of the program has the number of its line on the page.
 */
const PRELUDE = `${[
  ...importsOf('nestjs-redis-rate-limit', libraryNames()),
  ...importsOf('@nestjs/common', {
    values:
      'BadRequestException Body Catch Controller Delete ForbiddenException Get Header Headers HttpCode HttpException HttpStatus Inject Injectable Ip Logger Module NotFoundException Param Patch Post Put Query Req Res UnauthorizedException UseFilters UseGuards UseInterceptors',
    types: 'ArgumentsHost CanActivate DynamicModule ExceptionFilter ExecutionContext INestApplication Type',
  }),
  ...importsOf('@nestjs/core', { values: 'NestFactory Reflector', types: '' }),
  ...importsOf('ioredis', { values: 'Redis Cluster', types: '' }),
].join(
  ' ',
)} declare const app: INestApplication, limiter: RateLimiter, store: RateLimitStore, redis: Redis, metrics: { increment(name: string): void; timing(name: string, ms: number): void };`;

const WRAPPINGS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  options: ['export const blocks: RateLimitModuleOptions[] = [{', '}];'],
  handler: ['@Controller() export class Block {', '}'],
  body: ['export async function block() {', '}'],
};

/** Compiles TypeScript blocks as one program, and says what is wrong with each. */
export function compile(blocks: readonly Block[]): Map<Block, string[]> {
  const complaints = new Map<Block, string[]>();
  const files = new Map<string, { block: Block; text: string }>();
  for (const block of blocks) {
    const found = kindOf(block);
    complaints.set(block, found.complaints);
    if (found.complaints.length > 0) continue;
    const path = join(FOLDER, block.page.replace(/\.md$/, ''), nameOf(block, found.kind));
    if (files.has(path)) complaints.get(block)!.push(complaint(block, 0, `this page has another block ${path}`));
    else files.set(path, { block, text: found.text });
  }

  if (files.size === 0) return complaints;
  const program = programOf(new Map([...files].map(([path, { text }]) => [path, text])));
  for (const [path, { block }] of files) {
    const source = program.getSourceFile(path)!;
    for (const diagnostic of ts.getPreEmitDiagnostics(program, source)) {
      const { line } = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n  ');
      complaints.get(block)!.push(`${block.page}:${line + 1}: TS${diagnostic.code} ${message}`);
    }
  }
  return complaints;
}

/** How a block becomes a module. */
function kindOf(block: Block): { kind: string; text: string; complaints: string[] } {
  const { words, lines, line } = block;
  const [word = 'module', ...more] = words;
  const code = lines.join('\n');
  const refused = (what: string) => ({ kind: word, text: '', complaints: [complaint(block, -1, what)] });
  if (more.length > 0) return refused(`a block is of one kind, got "${words.join(' ')}"`);

  // Lines of the page before the block are empty lines of the program.
  const above = '\n'.repeat(line - 1);
  if (word === 'module' || word.startsWith('file=')) {
    const path = word.slice('file='.length);
    if (word !== 'module' && !exists(path)) return refused(`there is no file ${path}`);
    if (word !== 'module' && textOf(path).trim() !== code.trim()) return refused(`this is not what ${path} says`);
    return { kind: word, text: `${above}${code}\nexport {};`, complaints: [] };
  }
  const wrapping = WRAPPINGS[word];
  if (!wrapping)
    return refused(`"${word}" is no kind of block; there are ${Object.keys(WRAPPINGS).join(', ')}, file=…`);
  const inside = word === 'options' ? apart(code) : code;
  return { kind: word, text: `${above.slice(1)}${PRELUDE} ${wrapping[0]}\n${inside}\n${wrapping[1]}`, complaints: [] };
}

/** A module whose first line is a comment with its path can be imported by the other blocks of its page. */
function nameOf({ lines, line }: Block, kind: string): string {
  if (kind.startsWith('file=')) return `at-${line}/${kind.slice('file='.length)}`;
  return /^\/\/ ([\w./-]+\.ts)$/.exec(lines[0] ?? '')?.[1] ?? `at-${line}.ts`;
}

/** An option that comes twice in a block is said in two ways: each is an object of its own. */
function apart(code: string): string {
  const source = ts.createSourceFile('options.ts', `({\n${code}\n})`, ts.ScriptTarget.Latest, true);
  const expression = (source.statements[0] as ts.ExpressionStatement | undefined)?.expression;
  const literal = expression && ts.isParenthesizedExpression(expression) ? expression.expression : undefined;
  if (!literal || !ts.isObjectLiteralExpression(literal)) return code;
  let seen = new Set<string>();
  let text = '';
  let from = 3;
  for (const property of literal.properties) {
    const name = property.name?.getText(source) ?? '';
    if (seen.has(name)) {
      const start = property.getStart(source);
      text += `${source.text.slice(from, start)}}, {`;
      from = start;
      seen = new Set();
    }
    seen.add(name);
  }
  return text + source.text.slice(from, -3);
}

function programOf(texts: ReadonlyMap<string, string>): ts.Program {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const own = { ...options, noUnusedLocals: false, noUnusedParameters: false };
  const folders = new Set([...texts.keys()].map((path) => dirname(path)));
  const host = ts.createCompilerHost(own);
  const { fileExists, readFile, directoryExists } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.directoryExists = (path) => folders.has(path) || (directoryExists?.(path) ?? true);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, settings, ...rest) => {
    const text = texts.get(path);
    return text === undefined ? getSourceFile(path, settings, ...rest) : ts.createSourceFile(path, text, settings);
  };
  return ts.createProgram({
    rootNames: [...texts.keys(), join(ROOT, 'test/docs/nestjs-config.d.ts')],
    options: own,
    host,
  });
}

/** The names that the library exports, as its index.ts lists them. */
function libraryNames(): { values: string; types: string } {
  const text = textOf('libs/rate-limit/src/index.ts');
  const source = ts.createSourceFile('index.ts', text, ts.ScriptTarget.Latest);
  const values: string[] = [];
  const types: string[] = [];
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || !statement.exportClause) continue;
    if (!ts.isNamedExports(statement.exportClause)) continue;
    for (const { name, isTypeOnly } of statement.exportClause.elements) {
      (isTypeOnly || statement.isTypeOnly ? types : values).push(name.text);
    }
  }
  return { values: values.join(' '), types: types.join(' ') };
}

function importsOf(from: string, { values, types }: { values: string; types: string }): string[] {
  const list = (keyword: string, names: string) =>
    names ? [`${keyword} { ${names.split(' ').join(', ')} } from '${from}';`] : [];
  return [...list('import', values), ...list('import type', types)];
}
