import { dirname, join, parse } from 'node:path';
import ts from 'typescript';
import { complaint, ROOT, type Block } from './pages.js';
import { exportsOf, moduleOf, type Earlier } from './modules.js';

/** Where the blocks seem to lie: below test/, so that modules are found as in any other file. Nothing is written. */
const FOLDER = join(ROOT, 'test/docs/.blocks');

/** Compiles TypeScript blocks as one program, and says what is wrong with each. */
export function compile(blocks: readonly Block[]): Map<Block, string[]> {
  const complaints = new Map<Block, string[]>();
  const files = new Map<string, { block: Block; text: string }>();
  const earlier = new Map<string, Earlier[]>();
  for (const block of blocks) {
    const path = pathOf(block);
    const ofPage = earlier.get(block.page) ?? [];
    earlier.set(block.page, ofPage);
    const { text, mistake } = moduleOf(block, ofPage);
    complaints.set(block, mistake === undefined ? [] : [complaint(block, -1, mistake)]);
    if (files.has(path)) complaints.get(block)!.push(complaint(block, 0, 'another block of this page has this name'));
    else if (text !== undefined) {
      files.set(path, { block, text });
      if (isModule(block)) ofPage.push({ path: path.replace(/\.ts$/, '.js'), ...exportsOf(text) });
    }
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

const isModule = ({ words: [word = 'file='] }: Block): boolean => word.startsWith('file=');

/**
 * A module whose first line is a comment with its path can be imported by the other modules of its page. What is also a
 * file lies beside it.
 */
function pathOf({ page, words: [word = ''], lines, line }: Block): string {
  const own = page.replace(/\.md$/, '');
  const { dir, base } = parse(word.replace('file=', ''));
  if (word.startsWith('file=')) return join(ROOT, dir, `${own.replaceAll('/', '-')}-${line}-${base}`);
  return join(FOLDER, own, /^\/\/ ([\w./-]+\.ts)$/.exec(lines[0] ?? '')?.[1] ?? `at-${line}.ts`);
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
  const rootNames = [
    ...texts.keys(),
    ...['nestjs-config', 'nestjs-observe'].map((name) => join(ROOT, `test/docs/${name}.d.ts`)),
  ];
  return ts.createProgram({ rootNames, options: own, host });
}
