import { exists, textOf, type Block } from './pages.js';

/** One command of a block: its words as a shell would split them, and its line in the block. */
export interface Command {
  readonly words: readonly string[];
  readonly offset: number;
}

/** What is typed: of a `console` block the lines that begin with `$ `, of any other all. */
export function commandsOf({ language, lines }: Block): Command[] {
  const commands: Command[] = [];
  let typed = '';
  let began = 0;
  for (const [offset, line] of lines.entries()) {
    const isTyped = typed !== '' || language !== 'console' || line.startsWith('$ ');
    if (!isTyped) continue;
    if (typed === '') began = offset;
    typed += language === 'console' ? line.replace(/^[$>] /, '') : line;
    if (typed.endsWith('\\')) typed = `${typed.slice(0, -1)} `;
    else {
      commands.push(...split(typed).map((words) => ({ words, offset: began })));
      typed = '';
    }
  }
  return commands;
}

/** Quotes, comments, and what separates commands; variables and loops stay as they are written. */
function split(line: string): string[][] {
  const commands: string[][] = [[]];
  const token = /\s+|#.*$|\|\||&&|[;|&()]|\$\(|(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|\$\([^)]*\)|[^\s;|&()'"\\])+/gy;
  for (const [text] of line.matchAll(token)) {
    if (/^\s/.test(text) || text.startsWith('#')) continue;
    if (/^(\|\||&&|[;|&()]|\$\()$/.test(text)) commands.push([]);
    else commands.at(-1)!.push(unquoted(text));
  }
  return commands.filter((words) => words.length > 0);
}

const unquoted = (text: string): string =>
  text.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_, single?: string, double?: string, escaped?: string) =>
    String(single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped),
  );

interface Manifest {
  readonly name: string;
  readonly scripts?: Record<string, string>;
  readonly [dependencies: string]: unknown;
}

const manifestOf = (path: string): Manifest => JSON.parse(textOf(path)) as Manifest;
const root = manifestOf('package.json');
const library = manifestOf('libs/rate-limit/package.json');
const sample = manifestOf('apps/sample/package.json');
const peers = manifestOf('test/bench/package.json');

/** Every package that something here depends on, and so knows to exist. */
const packages = new Set([
  library.name,
  ...[root, library, sample, peers].flatMap((manifest) =>
    ['dependencies', 'devDependencies', 'peerDependencies'].flatMap((list) => Object.keys(manifest[list] ?? {})),
  ),
]);

/** A file of the repository, by where it begins. */
const REPOSITORY_FILE =
  /^(?:\.\/)?((?:apps|libs|test|docs|scripts|\.ci)\/[\w./-]+|[\w-]+\.(?:ya?ml|json|mjs|js)|Dockerfile)$/;

/** What is wrong with a command that can be known without running it. */
export function mistakesIn({ words }: Command): string[] {
  const program = words.findIndex((word) => !/^(\w+=.*|do|then|else|if|while|until|!|time|sudo|exec)$/.test(word));
  const [name, ...args] = words.slice(Math.max(0, program));
  if (name === 'npm') return npmMistakes(args);
  if (name === 'npx' && args[0] && !packages.has(args[0].replace(/(?<=.)@.*$/, '')))
    return [`npx runs ${args[0]}, of which nothing here knows`];
  if (!['node', 'bash', 'sh', 'docker', 'npx', 'cat'].includes(name ?? '')) return [];
  return missingFiles(args);
}

function npmMistakes(args: readonly string[]): string[] {
  const [verb = '', ...rest] = args.filter((arg) => !/^(-s|--silent)$/.test(arg));
  const own = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
  const passed = missingFiles(rest);
  switch (verb) {
    case 'start':
    case 'test':
      return [...missingScript(verb, []), ...passed];
    case 'run':
      return [...missingScript(own[0] ?? '', own), ...passed];
    case 'install':
    case 'i':
    case 'add':
    case 'uninstall': {
      const names = own.filter((arg) => !arg.startsWith('-')).map((arg) => arg.replace(/(?<=.)@[^/]*$/, ''));
      return names
        .filter((name) => !packages.has(name))
        .map((name) => `npm ${verb} ${name}: nothing here depends on it`);
    }
    case 'ci':
      return [];
    default:
      return [`npm ${verb} is not known to the test of the documentation`];
  }
}

function missingScript(script: string, args: readonly string[]): string[] {
  const workspace = args[args.findIndex((arg) => arg === '-w' || arg === '--workspace') + 1];
  const manifest = args.some((arg) => arg === '-w' || arg === '--workspace')
    ? [library, sample].find(({ name }) => name === workspace)
    : root;
  return manifest?.scripts?.[script] ? [] : [`package.json has no script "${script}"`];
}

const missingFiles = (args: readonly string[]): string[] =>
  args
    .map((arg) => REPOSITORY_FILE.exec(arg)?.[1])
    .filter((path) => path !== undefined && !exists(path))
    .map((path) => `there is no ${path}`);

/** A request to the sample that a command makes. */
export interface SampleRequest {
  readonly path: string;
  readonly init: RequestInit;
}

const SAMPLE = /^(?:http:\/\/)?(?:127\.0\.0\.1|localhost):3000(\/.*)?$/;

/** Options of curl that the next word belongs to. */
const WITH_VALUE =
  /^-[a-zA-Z]*[XHdowmAue]$|^--(request|header|data|data-raw|json|output|write-out|max-time|user|retry)$/;

/** What `curl` would ask of the sample. */
export function sampleRequests({ words }: Command): SampleRequest[] {
  const at = words.indexOf('curl');
  if (at < 0) return [];
  const headers: [string, string][] = [];
  const urls: string[] = [];
  let method: string | undefined;
  let body: string | undefined;
  for (let i = at + 1; i < words.length; i++) {
    const word = words[i]!;
    if (!WITH_VALUE.test(word)) {
      if (!word.startsWith('-')) urls.push(word);
      continue;
    }
    const value = words[++i] ?? '';
    if (/^-[a-zA-Z]*X$|^--request$/.test(word)) method = value;
    if (/^-[a-zA-Z]*H$|^--header$/.test(word)) headers.push([value.split(':')[0]!, value.replace(/^[^:]*:\s*/, '')]);
    if (/^-[a-zA-Z]*d$|^--data|^--json$/.test(word)) body = value;
    if (word === '--json') headers.push(['content-type', 'application/json']);
  }
  const init: RequestInit = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, ...(body && { body }) };
  return urls.flatMap((url) => {
    const match = SAMPLE.exec(url);
    return match ? [{ path: match[1] ?? '/', init }] : [];
  });
}
