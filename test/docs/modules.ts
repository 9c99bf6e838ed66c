import ts from 'typescript';
import { exists, textOf, type Block } from './pages.js';

/** The names that a module exports. */
interface Names {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** A module further up on the page. */
export interface Earlier extends Names {
  readonly path: string;
}

const words = (text: string): string[] => text.split(' ');

/** What a block need not import, unless it is a module of its own. */
const AT_HAND: readonly Earlier[] = [
  { path: 'nestjs-redis-rate-limit', ...exportsOf(textOf('libs/rate-limit/src/index.ts')) },
  {
    path: '@nestjs/common',
    values: words(
      'BadRequestException Body Catch Controller Delete ForbiddenException Get Header Headers HttpCode HttpException HttpStatus Inject Injectable Ip Logger Module NotFoundException Param Patch Post Put Query Req Res UnauthorizedException UseFilters UseGuards UseInterceptors',
    ),
    types: words('ArgumentsHost CanActivate DynamicModule ExceptionFilter ExecutionContext INestApplication Type'),
  },
  { path: '@nestjs/core', values: words('NestFactory Reflector'), types: [] },
  { path: 'ioredis', values: words('Redis Cluster'), types: [] },
];
const THINGS =
  'declare const app: INestApplication, limiter: RateLimiter, store: RateLimitStore, redis: Redis, metrics: { increment(name: string): void; timing(name: string, ms: number): void };';

const WRAPPINGS: Readonly<Record<string, readonly [before: string, after: string]>> = {
  options: ['export const blocks: RateLimitModuleOptions[] = [{', '}];'],
  handler: ['@Controller() export class Block {', '}'],
  body: ['export async function block() {', '}'],
};

/**
 * How a block becomes a module. What is put around its code stands on the lines of its fences, so each line of the
 * module has the number that it has on the page.
 *
 * @param earlier the modules further up on the page, whose names it may use as if it had imported them
 */
export function moduleOf(
  { words: [word, ...more], lines, line }: Block,
  earlier: readonly Earlier[],
): { text?: string; mistake?: string } {
  const code = lines.join('\n');
  const above = '\n'.repeat(line - 2);
  if (more.length > 0) return { mistake: `a block is of one kind, got "${[word, ...more].join(' ')}"` };
  if (word === undefined) return { text: `${above}\n${code}\nexport {};` };
  if (word.startsWith('file=')) {
    const path = word.slice('file='.length);
    if (!exists(path)) return { mistake: `there is no file ${path}` };
    if (textOf(path).trim() !== code.trim()) return { mistake: `this is not what ${path} says` };
    return { text: `${above}\n${code}` };
  }
  const wrapping = WRAPPINGS[word];
  if (!wrapping) {
    return { mistake: `"${word}" is no kind of block; there are ${Object.keys(WRAPPINGS).join(', ')}, file=…` };
  }
  const inside = word === 'options' ? apart(code) : code;
  return { text: `${above}${importsFor(code, earlier)} ${THINGS} ${wrapping[0]}\n${inside}\n${wrapping[1]}` };
}

/** Of the page's own modules only what the code names, the nearest first: others may have the same names. */
function importsFor(code: string, earlier: readonly Earlier[]): string {
  const mentioned = new Set(code.match(/[\w$]+/g));
  const taken = new Set(AT_HAND.flatMap(({ values, types }) => [...values, ...types]));
  const isNew = (name: string): boolean => mentioned.has(name) && !taken.has(name) && Boolean(taken.add(name));
  const own = [...earlier].reverse().map(({ path, values, types }) => {
    return { path, values: values.filter(isNew), types: types.filter(isNew) };
  });
  const list = (keyword: string, names: readonly string[], path: string) =>
    names.length > 0 ? `${keyword} { ${names.join(', ')} } from '${path}';` : '';
  return [...AT_HAND, ...own]
    .flatMap(({ path, values, types }) => [list('import', values, path), list('import type', types, path)])
    .join('');
}

export function exportsOf(text: string): Names {
  const source = ts.createSourceFile('module.ts', text, ts.ScriptTarget.Latest);
  const values: string[] = [];
  const types: string[] = [];
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      for (const { name, isTypeOnly } of statement.exportClause.elements) {
        (isTypeOnly || statement.isTypeOnly ? types : values).push(name.text);
      }
    } else if (ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isExport)) {
      if (ts.isVariableStatement(statement)) {
        values.push(...statement.declarationList.declarations.map(({ name }) => name.getText(source)));
      } else if (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) {
        if (statement.name) values.push(statement.name.text);
      } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
        types.push(statement.name.text);
      }
    }
  }
  return { values, types };
}

const isExport = ({ kind }: ts.Modifier): boolean => kind === ts.SyntaxKind.ExportKeyword;

/** An option that comes twice in a block is said in two ways: each is an object of its own. */
function apart(code: string): string {
  const source = ts.createSourceFile('options.ts', `({\n${code}\n})`, ts.ScriptTarget.Latest, true);
  const expression = (source.statements[0] as ts.ExpressionStatement | undefined)?.expression;
  const literal = expression && ts.isParenthesizedExpression(expression) ? expression.expression : undefined;
  if (!literal || !ts.isObjectLiteralExpression(literal)) return code;
  const seen = new Set<string>();
  let text = '';
  let from = 3;
  for (const property of literal.properties) {
    const name = property.name?.getText(source) ?? '';
    if (seen.has(name)) {
      const start = property.getStart(source);
      text += `${source.text.slice(from, start)}}, {`;
      from = start;
      seen.clear();
    }
    seen.add(name);
  }
  return text + source.text.slice(from, -3);
}
