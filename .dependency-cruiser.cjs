// The layers of the library. Dependencies run one way: core <- stores <- engine <- nest, core <- headers <- engine.
const { peerDependenciesMeta } = require('./libs/rate-limit/package.json');

const SRC = '^libs/rate-limit/src/';
const NEST = packages('@nestjs/[^/]+', 'reflect-metadata', 'rxjs');
const IOREDIS = packages('ioredis');
// Nest's packages are optional too, for those who use the engine alone: only nest/ imports them.
const OPTIONAL_PEERS = packages(...Object.keys(peerDependenciesMeta).filter((name) => !new RegExp(NEST).test(name)));

/** Matches a package by where it is installed, and by its name where it is not. */
function packages(...names) {
  return `(^|node_modules/)(${names.join('|')})(/|$)`;
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-imports-only-core',
      comment: 'The domain is pure: no Redis, no Nest, not even Node.',
      from: { path: `${SRC}core/` },
      to: { pathNot: `${SRC}core/` },
    },
    {
      name: 'headers-import-only-core',
      comment: 'Decisions in, text out.',
      from: { path: `${SRC}headers/` },
      to: { pathNot: `${SRC}(core|headers)/` },
    },
    {
      name: 'stores-import-only-core',
      from: { path: `${SRC}stores/` },
      to: { pathNot: [`${SRC}(core|stores)/`, IOREDIS], dependencyTypesNot: ['core'] },
    },
    {
      name: 'engine-imports-no-nest',
      comment: 'A limiter without a framework.',
      from: { path: `${SRC}engine(/|\\.ts$)` },
      to: { path: [`${SRC}nest/`, `${SRC}index\\.ts$`] },
    },
    {
      name: 'the-memory-store-stands-alone',
      comment: 'The stores that wrap others build on it, so it must not know them.',
      from: { path: `${SRC}stores/memory/` },
      to: { path: `${SRC}stores/.+/`, pathNot: `${SRC}stores/memory/` },
    },
    {
      name: 'conformance-imports-only-core',
      comment: 'Any store can be tested, with any test runner: node:assert is all it needs.',
      from: { path: `${SRC}conformance/` },
      to: { pathNot: `${SRC}(core|conformance)/`, dependencyTypesNot: ['core'] },
    },
    {
      name: 'conformance-is-an-entry',
      comment: 'It is loaded by tests only; so nothing else may load it.',
      from: { path: SRC, pathNot: `${SRC}conformance/` },
      to: { path: `${SRC}conformance/` },
    },
    {
      name: 'openapi-is-an-entry',
      comment: 'Applications that do not document their limits never load it.',
      from: { path: SRC, pathNot: `${SRC}(nest/openapi/|openapi\\.ts$)` },
      to: { path: `${SRC}(nest/openapi/|openapi\\.ts$)` },
    },
    {
      name: 'only-the-connection-imports-ioredis',
      from: { path: SRC, pathNot: `${SRC}stores/redis/connection/` },
      to: { path: IOREDIS },
    },
    {
      name: 'only-nest-imports-nest',
      from: { path: SRC, pathNot: `${SRC}nest/` },
      to: { path: NEST },
    },
    {
      name: 'the-command-line-needs-no-nest',
      comment: 'It works on what is in Redis.',
      from: { path: `${SRC}cli/` },
      to: { pathNot: `${SRC}(core|stores|engine|cli)/`, dependencyTypesNot: ['core'] },
    },
    {
      name: 'the-command-line-is-an-entry',
      comment: 'Applications never load it.',
      from: { path: SRC, pathNot: `${SRC}cli/` },
      to: { path: `${SRC}cli/` },
    },
    {
      name: 'openapi-without-its-package',
      comment: 'Answers are written as metadata, which @nestjs/swagger reads. Its versions 11 and 12 need no import.',
      from: { path: SRC },
      to: { path: packages('@nestjs/swagger') },
    },
    {
      name: 'optional-peers-only-dynamically',
      comment: 'At the top of a file, even as a type, they break whoever does not have them: use await import().',
      from: { path: SRC },
      to: { path: OPTIONAL_PEERS, dynamic: false },
    },
    {
      name: 'declared-packages-only',
      comment: 'What the library imports is in its own package.json, not only in that of the workspace.',
      from: { path: SRC },
      to: { path: 'node_modules/', dependencyTypesNot: ['npm', 'npm-peer'] },
    },
    {
      name: 'nothing-unresolved',
      comment: 'What cannot be found cannot be judged by the rules above.',
      from: {},
      // The page's own names for what the sample serves, and does not keep as a file: the chart library, and facts of the library.
      to: { couldNotResolve: true, pathNot: '^\\./(uPlot|algorithms)\\.js$' },
    },
    {
      name: 'no-cycles',
      comment: 'Types count: a cycle of types is a cycle of ideas.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-barrels',
      comment: 'Import from the file that says it.',
      from: { path: '(^|/)index\\.[cm]?[jt]s$', pathNot: [`${SRC}index\\.ts$`, `${SRC}core/algorithms/index\\.ts$`] },
      to: {},
    },
    {
      name: 'the-public-api-is-for-users',
      from: { path: SRC },
      to: { path: `${SRC}(index|engine|openapi)\\.ts$` },
    },
    {
      name: 'apps-import-the-library-by-name',
      comment: 'They are what users copy from.',
      from: { path: '^apps/' },
      to: { path: '^libs/', dependencyTypesNot: ['aliased-tsconfig-paths', 'aliased-workspace', 'npm'] },
    },
  ].map((rule) => ({ ...rule, severity: 'error' })),
  options: {
    doNotFollow: { path: ['node_modules/', '/dist/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    // Types are dependencies too, though they are gone after compiling.
    tsPreCompilationDeps: true,
  },
};
